#include "fortet/parallel/communicator.hpp"

#include <cstdio>
#include <cstring>

namespace fortet::parallel {

Communicator::Communicator(MPI_Comm handle) : handle_(handle) {
  MPI_Comm_rank(handle_, &rank_);
  MPI_Comm_size(handle_, &size_);
}

Range Communicator::share(std::int64_t count, int rank) const {
  const std::int64_t base = count / size_, extra = count % size_;
  const std::int64_t begin = rank * base + std::min<std::int64_t>(rank, extra);
  return {begin, begin + base + (rank < extra ? 1 : 0)};
}

double Communicator::sum(const ExactSum& part) const { return sum(std::span<const ExactSum>(&part, 1)).front(); }

std::vector<double> Communicator::sum(std::span<const ExactSum> parts) const {
  std::vector<ExactSum> sums(parts.begin(), parts.end());
  std::vector<std::int64_t> digits(parts.size() * ExactSum::words);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i].normalise();
    std::copy_n(sums[i].digits(), ExactSum::words, digits.begin() + i * ExactSum::words);
  }
  MPI_Allreduce(MPI_IN_PLACE, digits.data(), static_cast<int>(digits.size()), MPI_INT64_T, MPI_SUM, handle_);
  std::vector<double> result(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::copy_n(digits.begin() + i * ExactSum::words, ExactSum::words, sums[i].digits());
    sums[i].normalise();
    result[i] = sums[i].value();
  }
  return result;
}

void Communicator::sum_counts(std::span<std::int64_t> counts) const {
  constexpr std::size_t chunk = 1u << 26;  // MPI counts are ints
  for (std::size_t begin = 0; begin < counts.size(); begin += chunk) {
    const auto part = counts.subspan(begin, std::min(chunk, counts.size() - begin));
    MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_INT64_T, MPI_SUM, handle_);
  }
}

std::int64_t Communicator::sum_count(std::int64_t count) const {
  sum_counts({&count, 1});
  return count;
}

double Communicator::max(double value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, handle_);
  return value;
}

double Communicator::min(double value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MIN, handle_);
  return value;
}

bool Communicator::any(bool value) const {
  int flag = value;
  MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_MAX, handle_);
  return flag != 0;
}

void Communicator::broadcast(std::string& text, int root) const {
  std::int64_t size = static_cast<std::int64_t>(text.size());
  MPI_Bcast(&size, 1, MPI_INT64_T, root, handle_);
  text.resize(size);
  constexpr std::int64_t chunk = 1 << 30;  // MPI counts are ints
  for (std::int64_t begin = 0; begin < size; begin += chunk) {
    MPI_Bcast(text.data() + begin, static_cast<int>(std::min(chunk, size - begin)), MPI_CHAR, root, handle_);
  }
}

void Communicator::broadcast(std::span<double> values, int root) const {
  MPI_Bcast(values.data(), static_cast<int>(values.size()), MPI_DOUBLE, root, handle_);
}

std::vector<double> Communicator::gather_all(std::span<const double> part) const {
  const int count = static_cast<int>(part.size());
  std::vector<int> counts(size_), offsets(size_);
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, handle_);
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  std::vector<double> all(offsets.back() + counts.back());
  MPI_Allgatherv(part.data(), count, MPI_DOUBLE, all.data(), counts.data(), offsets.data(), MPI_DOUBLE, handle_);
  return all;
}

void Communicator::barrier() const { MPI_Barrier(handle_); }

namespace {
/// What a rank tells the others of its error: one letter for the kind, the exit code, the key and the message.
std::string packed(const Error& error) {
  const auto* parameter = dynamic_cast<const ParameterError*>(&error);
  return fmt::format("{}{:03d}{}{}{}", parameter ? 'p' : '-', static_cast<int>(error.exit_code()),
                     parameter ? parameter->parameter : "", '\0', error.what());
}

[[noreturn]] void throw_packed(const std::string& text) {
  const std::size_t end = text.find('\0');
  const std::string message = text.substr(end + 1);
  if (text[0] == 'p') throw ParameterError(text.substr(4, end - 4), message);
  switch (const auto code = static_cast<ExitCode>(std::stoi(text.substr(1, 3)))) {
    case ExitCode::usage:
      throw UsageError(message);
    case ExitCode::diverged:
      throw DivergedError(message);
    case ExitCode::io:
      throw IoError(message);
    default:
      throw Error(code, message);
  }
}
}  // namespace

void together(const Communicator& communicator, const std::function<void()>& body) {
  std::string failure;
  try {
    body();
  } catch (const Error& error) {
    failure = packed(error);
  } catch (const std::exception& error) {
    failure = packed(error_of(error));
  }
  int failed = failure.empty() ? communicator.size() : communicator.rank();
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MIN, communicator.handle());
  if (failed == communicator.size()) return;
  communicator.broadcast(failure, failed);
  throw_packed(failure);
}

namespace {
std::vector<const std::function<void()>*>& last_acts() {
  static std::vector<const std::function<void()>*> acts;
  return acts;
}
}  // namespace

BeforeAbort::BeforeAbort(std::function<void()> act) : act_(std::move(act)) { last_acts().push_back(&act_); }

BeforeAbort::~BeforeAbort() { std::erase(last_acts(), &act_); }

void fail_local(const Communicator& communicator, const Error& error) {
  std::fprintf(stderr, "fortet: rank %d: %s\n", communicator.rank(), error.what());
  std::fflush(stderr);
  for (const auto* act : last_acts()) (*act)();
  MPI_Abort(communicator.handle(), static_cast<int>(error.exit_code()));
  std::abort();
}

}  // namespace fortet::parallel
