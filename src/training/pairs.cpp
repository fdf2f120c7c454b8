#include "pairs.hpp"

#include "fortet/parallel/threads.hpp"

namespace fortet::training {

CoupledPairs::CoupledPairs(TrainingPoints source, TrainingPoints target, couplings::CouplingPtr coupling, bool global,
                           Index batch, std::uint64_t seed, const std::string& name)
    : source_(std::move(source)),
      target_(std::move(target)),
      coupling_(std::move(coupling)),
      seed_(seed),
      name_(name),
      stream_(seed, parallel::Purpose::pairing, name) {
  if (!global || coupling_->is_independent()) return;
  const auto make = [&](int ahead) {
    return std::make_unique<PlannedBatches>(source_, target_, *coupling_, stream_, batch, ahead);
  };
  planned_ = make(std::max(1, parallel::thread_count() / 2));
  planned_validation_ = make(0);
}

void CoupledPairs::prepare(std::uint32_t step, const parallel::Communicator& communicator) {
  if (planned_) planned(step).prepare(step, communicator);
}

bool CoupledPairs::work_ahead(bool wanted) { return planned_ && planned_->plan_ahead(wanted); }

void CoupledPairs::draw(std::uint32_t step, Index first, Points x0, Points x1) const {
  if (planned_) {
    planned(step).draw(step, first, x0, x1);
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
