#include "training_points.hpp"

#include <bit>

#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::training {

namespace {
/// A bijection of [0, n) for each key: four rounds of a balanced Feistel network over Philox, repeated until the image
/// lies in the range (cycle walking; Black and Rogaway 2002). Needs no memory, so that any step can be drawn alone.
std::int64_t permuted(std::int64_t index, std::int64_t n, std::array<std::uint32_t, 2> key, std::uint64_t epoch) {
  const int bits_of_range = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
  const int half = std::max(1, (bits_of_range + 1) / 2);
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  auto value = static_cast<std::uint64_t>(index);
  do {
    std::uint64_t left = value >> half, right = value & mask;
    for (std::uint32_t round = 0; round < 4; ++round) {
      const auto bits = parallel::philox({static_cast<std::uint32_t>(right), static_cast<std::uint32_t>(right >> 32),
                                          static_cast<std::uint32_t>(epoch), round},
                                         key);
      const std::uint64_t next = left ^ ((bits[0] | std::uint64_t{bits[1]} << 32) & mask);
      left = right;
      right = next;
    }
    value = left << half | right;
  } while (value >= static_cast<std::uint64_t>(n));
  return static_cast<std::int64_t>(value);
}

/// The rows of an empirical law: equal weights, no covariance. Empty for any other law.
PointArray rows_of(const laws::Law& law) {
  const auto mixture = law.as_mixture();
  if (!mixture || mixture->means().size() < 2) return {};
  const laws::MeansView means = mixture->means();
  const laws::CovariancesView covariances = mixture->covariances();
  const auto& weights = mixture->weights();
  for (std::size_t i = 0; i < means.size(); ++i) {
    if ((i == 0 || !covariances.are_equal()) && !covariances[i].isZero(0)) return {};
    if (weights[i] != weights[0]) return {};
  }
  PointArray rows(static_cast<Index>(means.size()), law.dimension());
  for (Index i = 0; i < rows.size(); ++i) {
    for (int k = 0; k < rows.dimension(); ++k) rows(i, k) = means[i][k];
  }
  return rows;
}

void copy_row(const PointArray& from, Index row, Points to, Index i) {
  for (int k = 0; k < to.dimension(); ++k) to(i, k) = from(row, k);
}
}  // namespace

void gather(ConstPoints from, std::span<const std::int32_t> rows, Points to) {
  for (int k = 0; k < to.dimension(); ++k) {
    const double* values = from.coordinate(k);
    double* out = to.coordinate(k);
    for (Index i = 0; i < to.size(); ++i) out[i] = values[rows[i]];
  }
}

TrainingPoints::TrainingPoints(laws::LawPtr law, std::uint64_t seed, const std::string& name, std::int64_t count,
                               std::int64_t held_out, Index batch)
    : law_(std::move(law)),
      fresh_(seed, parallel::Purpose::training, name),
      fresh_validation_(seed, parallel::Purpose::training, name + ".validation"),
      batch_(batch) {
  if (!law_->capabilities().sample) throw ParameterError("", "the law cannot be sampled");
  const int d = law_->dimension();
  PointArray all = rows_of(*law_);
  if (all.size() == 0 && count > 0) {
    all = PointArray(count + held_out, d);
    law_->sample(fresh_, 0, all);
  }
  if (all.size() == 0) return;
  const Index training = all.size() - held_out;
  if (training < batch) {
    throw ParameterError("batch", fmt::format("a batch of {} needs as many training points, but there are {}", batch,
                                              std::max<Index>(Index{0}, training)));
  }
  points_ = PointArray(training, d);
  held_out_ = PointArray(held_out, d);
  // Rows of a file may be sorted: those held out are spread by the same permutation as the batches.
  for (Index i = 0; i < all.size(); ++i) {
    const Index row = permuted(i, all.size(), fresh_.key(), 0);
    copy_row(all, row, i < training ? points_.view() : held_out_.view(), i < training ? i : i - training);
  }
}

void TrainingPoints::draw(std::uint32_t step, Index first, Points out) const {
  const bool validates = step >= validation_step;
  const std::int64_t begin = static_cast<std::int64_t>(validates ? step - validation_step : step) * batch_ + first;
  const Index n = points_.size(), held = held_out_.size();
  if (validates && held > 0) {
    for (Index i = 0; i < out.size(); ++i) copy_row(held_out_, (begin + i) % held, out, i);
  } else if (n > 0) {
    for (Index i = 0; i < out.size(); ++i) {
      copy_row(points_, permuted((begin + i) % n, n, fresh_.key(), 1 + static_cast<std::uint64_t>((begin + i) / n)),
               out, i);
    }
  } else {
    law_->sample(validates ? fresh_validation_ : fresh_, begin, out);
  }
}

}  // namespace fortet::training
