#include "pairs.hpp"

#include "fortet/parallel/threads.hpp"

namespace fortet::training {

namespace {
void gather(const PointArray& from, std::span<const std::int32_t> rows, Points to) {
  for (int k = 0; k < to.dimension(); ++k) {
    const double* values = from.view().coordinate(k);
    double* out = to.coordinate(k);
    for (Index i = 0; i < to.size(); ++i) out[i] = values[rows[i]];
  }
}
}  // namespace

CoupledPairs::CoupledPairs(TrainingPoints source, TrainingPoints target, couplings::CouplingPtr coupling, bool global,
                           Index batch, std::uint64_t seed, const std::string& name)
    : source_(std::move(source)),
      target_(std::move(target)),
      coupling_(std::move(coupling)),
      global_(global && !coupling_->is_independent()),
      batch_(batch),
      seed_(seed),
      name_(name),
      stream_(seed, parallel::Purpose::pairing, name) {}

void CoupledPairs::prepare(std::uint32_t step, const parallel::Communicator& communicator) {
  if (!global_) return;
  const auto group = static_cast<std::uint32_t>(communicator.size() * parallel::thread_count());
  if (step >= planned_from_ && step - planned_from_ < planned_.size()) return;
  planned_.resize(group);
  planned_from_ = step;
  for (Planned& plan : planned_) {
    if (plan.x0.size() == batch_) continue;
    plan.x0 = PointArray(batch_, source_.dimension());
    plan.x1 = PointArray(batch_, target_.dimension());
    plan.pairing.source.resize(batch_);
    plan.pairing.target.resize(batch_);
  }
  const int size = communicator.size(), rank = communicator.rank();
  // Every rank holds the points of every batch, which are cheap; the plans are shared out.
  parallel::for_blocks(group, 1, [&](Index begin, Index) {
    // One plan per thread: the k-th of this rank, then the points of what the other ranks plan.
    Planned& plan = planned_[begin];
    source_.draw(step + begin, 0, plan.x0);
    target_.draw(step + begin, 0, plan.x1);
  });
  parallel::for_blocks(group / size, 1, [&](Index begin, Index) {
    const Index mine = begin * size + rank;
    Planned& plan = planned_[mine];
    coupling_->pair(plan.x0, plan.x1, stream_, step + mine, plan.pairing);
  });
  if (size == 1) return;
  const auto count = static_cast<int>(batch_);
  for (std::uint32_t k = 0; k < group; ++k) {
    for (std::vector<std::int32_t>* rows : {&planned_[k].pairing.source, &planned_[k].pairing.target}) {
      MPI_Bcast(rows->data(), count, MPI_INT32_T, static_cast<int>(k) % size, communicator.handle());
    }
  }
}

void CoupledPairs::draw(std::uint32_t step, Index first, Points x0, Points x1) const {
  if (global_) {
    const Planned& plan = planned_[step - planned_from_];
    const auto rows = [&](const std::vector<std::int32_t>& all) { return std::span(all).subspan(first, x0.size()); };
    gather(plan.x0, rows(plan.pairing.source), x0);
    gather(plan.x1, rows(plan.pairing.target), x1);
    return;
  }
  if (coupling_->is_independent()) {
    source_.draw(step, first, x0);
    target_.draw(step, first, x1);
    return;
  }
  PointArray all0(x0.size(), x0.dimension()), all1(x1.size(), x1.dimension());
  source_.draw(step, first, all0);
  target_.draw(step, first, all1);
  couplings::Pairing pairing;
  const parallel::Stream stream(seed_, parallel::Purpose::pairing, fmt::format("{}.{}", name_, first));
  coupling_->pair(all0, all1, stream, step, pairing);
  gather(all0, pairing.source, x0);
  gather(all1, pairing.target, x1);
}

StoredPairs::StoredPairs(PointArray x0, PointArray x1, std::uint64_t seed, const std::string& name, Index batch)
    : x0_(std::move(x0)), x1_(std::move(x1)), stream_(seed, parallel::Purpose::pairing, name), batch_(batch) {}

void StoredPairs::draw(std::uint32_t step, Index first, Points x0, Points x1) const {
  std::vector<std::int32_t> rows(x0.size());
  const Index begin = step % validation_step * batch_ + first;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double u = stream_.uniform(begin + static_cast<Index>(i), step / validation_step);
    rows[i] = static_cast<std::int32_t>(
        std::min<double>(u * static_cast<double>(x0_.size()), static_cast<double>(x0_.size() - 1)));
  }
  gather(x0_, rows, x0);
  gather(x1_, rows, x1);
}

}  // namespace fortet::training
