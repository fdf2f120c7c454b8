/// Kind gaussian_bridge: particles of a bridge between normal laws in any dimension against the exact one.
#include <Eigen/Dense>

#include "fortet/comparisons/measure.hpp"
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::comparisons {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
MatrixXd square_root(const MatrixXd& matrix) { return Eigen::SelfAdjointEigenSolver<MatrixXd>(matrix).operatorSqrt(); }

/// The Schroedinger bridge of sigma B between normal laws (Bunne et al. 2023; MATHS section 5).
struct ExactBridge {
  ExactBridge(const laws::Moments& source, const laws::Moments& target, double sigma)
      : m0(source.mean), m1(target.mean), s0(source.covariance), s1(target.covariance), variance(sigma * sigma) {
    const Index d = m0.size();
    const MatrixXd root = square_root(s0), inverse = root.inverse();
    const MatrixXd dm = square_root(4 * root * s1 * root + variance * variance * MatrixXd::Identity(d, d));
    coupling = 0.5 * (root * dm * inverse - variance * MatrixXd::Identity(d, d));
  }
  VectorXd mean(double t) const { return (1 - t) * m0 + t * m1; }
  MatrixXd covariance(double t) const {
    return (1 - t) * (1 - t) * s0 + t * t * s1 +
           t * (1 - t) * (coupling + coupling.transpose() + variance * MatrixXd::Identity(m0.size(), m0.size()));
  }
  VectorXd m0, m1;
  MatrixXd s0, s1, coupling;  ///< coupling: E (X_0 - m_0)(X_1 - m_1)^T
  double variance;
};

/// KL(N(m, s) | N(mean, covariance)).
double normal_kl(const VectorXd& m, const MatrixXd& s, const VectorXd& mean, const MatrixXd& covariance) {
  const Eigen::LLT<MatrixXd> factor(covariance), own(s);
  const auto log_determinant = [](const Eigen::LLT<MatrixXd>& f) {
    return 2 * f.matrixL().toDenseMatrix().diagonal().array().log().sum();
  };
  const VectorXd shift = mean - m;
  return 0.5 * (factor.solve(s).trace() + shift.dot(factor.solve(shift)) - static_cast<double>(m.size()) +
                log_determinant(factor) - log_determinant(own));
}

class GaussianBridge : public Measure {
 public:
  GaussianBridge(const Parameters& parameters, const MeasureContext& context)
      : of_(parameters.text("of")), exact_(bridge(parameters, context)) {
    const Side side = context.side(of_);
    if (!side.ensemble) throw ParameterError("of", fmt::format("{} is no ensemble", of_));
    if (side.ensemble->process->dimension() != exact_.m0.size()) {
      throw ParameterError("of", fmt::format("{} has {} dimensions, but the laws have {}", of_,
                                             side.ensemble->process->dimension(), exact_.m0.size()));
    }
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(of_);
    const std::vector<ensembles::Snapshot>& snapshots = side.ensemble->snapshots;
    const auto d = static_cast<double>(exact_.m0.size()), n = static_cast<double>(snapshots.front().total);
    double sum = 0;
    for (const ensembles::Snapshot& snapshot : snapshots) {
      const auto [mean, covariance] = moments(snapshot, snapshot, communicator);
      sum += normal_kl(mean, covariance, exact_.mean(snapshot.time), exact_.covariance(snapshot.time));
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
    coupling.value = moments(snapshots.front(), snapshots.back(), communicator).second.trace() / d;
    coupling.note =
        fmt::format("mean covariance of a coordinate at the two ends; exact {:.6f}", exact_.coupling.trace() / d);
    return {kl, coupling};
  }

 private:
  static ExactBridge bridge(const Parameters& parameters, const MeasureContext& context) {
    std::vector<laws::Moments> ends;
    for (const char* key : {"source", "target"}) {
      const laws::LawPtr law = context.side(parameters.text(key)).law;
      const auto mixture = law ? law->as_mixture() : nullptr;
      if (!mixture || mixture->weights().size() != 1) {
        throw ParameterError(key, fmt::format("{} is no normal law", parameters.text(key)));
      }
      ends.push_back(law->moments());
    }
    if (ends[0].mean.size() != ends[1].mean.size()) throw ParameterError("target", "the laws differ in dimension");
    return {ends[0], ends[1], parameters.real("sigma")};
  }

  /// Mean of `a` and covariance of `a` with `b`, over all ranks in the same bits for any number of them.
  static std::pair<VectorXd, MatrixXd> moments(const ensembles::Snapshot& a, const ensembles::Snapshot& b,
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
    const VectorXd mean_a = Eigen::Map<const VectorXd>(totals.data(), d) / n,
                   mean_b = Eigen::Map<const VectorXd>(totals.data() + d, d) / n;
    MatrixXd covariance = Eigen::Map<const MatrixXd>(totals.data() + 2 * d, d, d).transpose() / n;
    covariance -= mean_a * mean_b.transpose();
    return {mean_a, covariance};
  }

  std::string of_;
  ExactBridge exact_;
};

const RegisteredMeasure registered{
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
