/// Kind gaussian_bridge: particles of a bridge between normal laws in any dimension against the exact one.
#include <Eigen/Core>

#include "fortet/comparisons/measure.hpp"
#include "fortet/laws/normal_bridge.hpp"

namespace fortet::comparisons {

namespace {
class GaussianBridge : public Measure {
 public:
  GaussianBridge(const Parameters& parameters, const MeasureContext& context)
      : of_(parameters.text("of")), exact_(bridge(parameters, context)) {
    const Side side = context.side(of_);
    if (!side.ensemble) throw ParameterError("of", fmt::format("{} is no ensemble", of_));
    if (side.ensemble->process->dimension() != exact_.dimension()) {
      throw ParameterError("of", fmt::format("{} has {} dimensions, but the laws have {}", of_,
                                             side.ensemble->process->dimension(), exact_.dimension()));
    }
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(of_);
    const std::vector<ensembles::Snapshot>& snapshots = side.ensemble->snapshots;
    const auto d = static_cast<double>(exact_.dimension()), n = static_cast<double>(snapshots.front().total);
    double sum = 0;
    for (const ensembles::Snapshot& snapshot : snapshots) {
      sum += laws::normal_divergence(moments(snapshot, snapshot, communicator), exact_.at(snapshot.time));
    }
    Measurement kl;
    kl.quantity = "mean_kl";
    kl.time = snapshots.back().time;
    kl.value = sum / static_cast<double>(snapshots.size());
    kl.floor = d * (d + 3) / (4 * n);  // of the moments of n exact samples, to first order in 1/n
    kl.note = fmt::format("over {} times", snapshots.size());
    if (snapshots.front().time > 0) return {kl};
    Measurement coupling;
    coupling.quantity = "coupling";
    coupling.time = kl.time;
    coupling.value = moments(snapshots.front(), snapshots.back(), communicator).covariance.trace() / d;
    coupling.note =
        fmt::format("mean covariance of a coordinate at the two ends; exact {:.6f}", exact_.coupling().trace() / d);
    return {kl, coupling};
  }

 private:
  static laws::NormalBridge bridge(const Parameters& parameters, const MeasureContext& context) {
    std::vector<laws::Moments> ends;
    for (const char* key : {"source", "target"}) {
      const laws::LawPtr law = context.side(parameters.text(key)).law;
      const auto normal = law ? laws::normal_moments(*law) : std::nullopt;
      if (!normal) throw ParameterError(key, fmt::format("{} is no normal law", parameters.text(key)));
      ends.push_back(*normal);
    }
    if (ends[0].mean.size() != ends[1].mean.size()) throw ParameterError("target", "the laws differ in dimension");
    return {ends[0], ends[1], parameters.real("sigma")};
  }

  /// Mean of `a` and covariance of `a` with `b`, over all ranks in the same bits for any number of them.
  static laws::Moments moments(const ensembles::Snapshot& a, const ensembles::Snapshot& b,
                               const parallel::Communicator& communicator) {
    const int d = a.positions.dimension();
    std::vector<parallel::ExactSum> sums(2 * d + d * d);
    for (Index i = 0; i < a.positions.size(); ++i) {
      for (int k = 0; k < d; ++k) {
        sums[k].add(a.positions(i, k));
        sums[d + k].add(b.positions(i, k));
        for (int l = 0; l < d; ++l) sums[2 * d + k * d + l].add(a.positions(i, k) * b.positions(i, l));
      }
    }
    const std::vector<double> totals = communicator.sum(sums);
    const auto n = static_cast<double>(a.total);
    const Eigen::VectorXd mean_a = Eigen::Map<const Eigen::VectorXd>(totals.data(), d) / n,
                          mean_b = Eigen::Map<const Eigen::VectorXd>(totals.data() + d, d) / n;
    Eigen::MatrixXd covariance = Eigen::Map<const Eigen::MatrixXd>(totals.data() + 2 * d, d, d).transpose() / n;
    covariance -= mean_a * mean_b.transpose();
    return {mean_a, covariance};
  }

  std::string of_;
  laws::NormalBridge exact_;
};

const RegisteredMeasure registered_gaussian_bridge{
    {"measures",
     "gaussian_bridge",
     "Particles of a bridge between normal laws against the exact Schroedinger bridge of sigma B: KL of their normal "
     "fit, "
     "mean over the recorded times, and the mean covariance of a coordinate at the two ends",
     "Shi et al., 2023; Bunne et al., 2023",
     {required("of", {Type::reference}, "ensemble recorded at some times, 0 and 1 among them"),
      required("source", {Type::reference}, "normal law at 0"),
      required("target", {Type::reference}, "normal law at 1"),
      defaulted("sigma", {Type::real}, 1.0, "noise of the reference").positive()}},
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      return std::make_unique<GaussianBridge>(parameters, context);
    }};
}  // namespace

}  // namespace fortet::comparisons
