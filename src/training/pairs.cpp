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
  if (step >= planned_from_ && step - planned_from_ < planned_.size()) return;
  const int size = communicator.size(), rank = communicator.rank();
  const Index each = std::clamp<Index>(1024 / batch_, 1, 4);  // so that no thread waits long for a slower plan
  const Index local = parallel::thread_count() * each;
  planned_.resize(local * size);
  planned_from_ = step;
  for (Planned& plan : planned_) {
    if (plan.x0.size() == batch_) continue;
    plan.x0 = PointArray(batch_, source_.dimension());
    plan.x1 = PointArray(batch_, target_.dimension());
    plan.pairing.source.resize(batch_);
    plan.pairing.target.resize(batch_);
  }
  const auto draw_points = [&](Index k) {
    source_.draw(step + static_cast<std::uint32_t>(k), 0, planned_[k].x0);
    target_.draw(step + static_cast<std::uint32_t>(k), 0, planned_[k].x1);
  };
  parallel::for_blocks(local, each, [&](Index begin, Index end) {
    std::vector<couplings::Minibatch> minibatches;
    for (Index k = begin * size + rank; k < end * size; k += size) {
      draw_points(k);
      Planned& plan = planned_[k];
      minibatches.push_back({plan.x0, plan.x1, step + static_cast<std::uint32_t>(k), &plan.pairing});
    }
    coupling_->pair_all(minibatches, stream_);
  });
  if (size == 1) return;
  // Every rank holds the points of every batch, which are cheap; the plans are shared out.
  parallel::for_blocks(local * size, 1, [&](Index k, Index) {
    if (k % size != rank) draw_points(k);
  });
  const auto count = static_cast<int>(batch_);
  for (Index k = 0; k < local * size; ++k) {
    for (std::vector<std::int32_t>* rows : {&planned_[k].pairing.source, &planned_[k].pairing.target}) {
      MPI_Bcast(rows->data(), count, MPI_INT32_T, static_cast<int>(k % size), communicator.handle());
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
  coupling_->pair({all0, all1, step, &pairing}, stream);
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
