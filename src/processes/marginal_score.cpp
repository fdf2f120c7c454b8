#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/process.hpp"
#include "time_cache.hpp"

namespace fortet::processes {

namespace {
/// The closed-form marginal at one time; `mixture` is set when it is one (then its score has a divergence).
struct Marginal {
  laws::LawPtr law;
  const laws::GaussianMixture* mixture;
};
using MarginalPtr = std::shared_ptr<const Marginal>;

class MarginalScore : public Field {
 public:
  MarginalScore(ProcessPtr process, laws::LawPtr initial) : process_(std::move(process)), initial_(std::move(initial)) {
    // At either end the law may be singular: point masses before they are noised, or where an interpolant ends.
    const MarginalPtr probe = at(process_->horizon() / 2);
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
    return std::make_shared<Marginal>(Marginal{std::move(law), mixture});
  }

  MarginalPtr at(double t) const {
    return cache_.at(t, [this](double time) { return make(time); });
  }

  ProcessPtr process_;
  laws::LawPtr initial_;
  TimeCache<Marginal> cache_;
  bool has_divergence_ = false;
};
}  // namespace

FieldPtr marginal_score(const ProcessPtr& process, const laws::LawPtr& initial) {
  return std::make_shared<MarginalScore>(process, initial);
}

}  // namespace fortet::processes
