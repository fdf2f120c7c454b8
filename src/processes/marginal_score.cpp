#include <atomic>
#include <mutex>

#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::processes {

namespace {
/// The closed-form marginal at one time; `mixture` is set when it is one (then its score has a divergence).
struct Marginal {
  double time;
  laws::LawPtr law;
  const laws::GaussianMixture* mixture;
};
using MarginalPtr = std::shared_ptr<const Marginal>;

class MarginalScore : public Field {
 public:
  MarginalScore(ProcessPtr process, laws::LawPtr initial)
      : process_(std::move(process)), initial_(std::move(initial)), id_(next_id()) {
    const MarginalPtr probe = at(process_->horizon());
    has_divergence_ = probe->mixture != nullptr;
  }
  int input_dimension() const override { return process_->dimension(); }
  int output_dimension() const override { return process_->dimension(); }
  void evaluate(double t, ConstPoints x, Points out) const override { at(t)->law->score(x, out); }
  bool has_divergence() const override { return has_divergence_; }
  void divergence(double t, ConstPoints x, double* out) const override {
    const MarginalPtr marginal = at(t);
    if (!marginal->mixture) Field::divergence(t, x, out);
    marginal->mixture->score_divergence(x, out);
  }

 private:
  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> count{0};
    return ++count;
  }

  MarginalPtr make(double t) const {
    laws::LawPtr law = process_->marginal(initial_, t);
    if (!law) {
      throw UsageError(
          "the process has no closed-form marginal for this initial law, hence no closed-form score; give the score as "
          "a density or a model");
    }
    // At time 0 the marginal is the initial law itself, which may be a mixture under another name.
    if (auto same = law->as_mixture()) law = std::move(same);
    if (!law->capabilities().score) {
      throw UsageError(
          fmt::format("the marginal law at time {} of the noising process has no score (point masses or a singular "
                      "covariance); end the reversal earlier with `stop`",
                      t));
    }
    const auto* mixture = dynamic_cast<const laws::GaussianMixture*>(law.get());
    return std::make_shared<Marginal>(t, std::move(law), mixture);
  }

  /// Each thread remembers the marginals of its last times, and all threads share the last ones made.
  MarginalPtr at(double t) const {
    struct Entry {
      std::uint64_t id = 0;
      MarginalPtr marginal;
    };
    thread_local std::array<Entry, 8> recent;
    thread_local std::size_t oldest = 0;
    for (const Entry& entry : recent) {
      if (entry.id == id_ && entry.marginal->time == t) return entry.marginal;
    }
    MarginalPtr marginal;
    {
      const std::lock_guard lock(mutex_);
      for (const MarginalPtr& candidate : shared_) {
        if (candidate && candidate->time == t) marginal = candidate;
      }
      if (!marginal) {
        marginal = make(t);
        shared_[next_shared_++ % shared_.size()] = marginal;
      }
    }
    recent[oldest++ % recent.size()] = {id_, marginal};
    return marginal;
  }

  ProcessPtr process_;
  laws::LawPtr initial_;
  std::uint64_t id_;
  bool has_divergence_ = false;
  mutable std::mutex mutex_;
  mutable std::array<MarginalPtr, 8> shared_;
  mutable std::size_t next_shared_ = 0;
};
}  // namespace

FieldPtr marginal_score(const ProcessPtr& process, const laws::LawPtr& initial) {
  return std::make_shared<MarginalScore>(process, initial);
}

}  // namespace fortet::processes
