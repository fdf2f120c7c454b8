#include "two_way_bridge.hpp"

namespace fortet::training {

void TwoWayBridge::report_coupling(const TrainingContext& context, int round, ConstPoints x0, ConstPoints x1) const {
  if (!exact_ || round < resumed_at_ || !context.metrics || !context.communicator.is_root()) return;
  const Index n = x0.size();
  const int d = dimension();
  if (n <= 2 * d) return;  // the fit of so few pairs has no density
  Eigen::MatrixXd ends(n, 2 * d);
  for (int k = 0; k < d; ++k) {
    ends.col(k) = Eigen::Map<const Eigen::VectorXd>(x0.coordinate(k), n);
    ends.col(d + k) = Eigen::Map<const Eigen::VectorXd>(x1.coordinate(k), n);
  }
  laws::Moments fit;
  fit.mean = ends.colwise().mean();
  ends.rowwise() -= fit.mean.transpose();
  fit.covariance = ends.transpose() * ends / static_cast<double>(n);
  context.metrics({{"object", "models." + name()},
                   {"round", round},
                   {"coupling_kl", laws::normal_divergence(fit, *exact_)},
                   {"coupling_kl_floor", d * (2.0 * d + 3) / (2.0 * static_cast<double>(n))}});
}

}  // namespace fortet::training
