// Dynamic optimal transport (Benamou-Brenier) against closed forms and against exact static transport.
#include <Eigen/Dense>

#include "fortet/couplings/transport.hpp"
#include "support/bridges.hpp"

namespace {
using namespace fortet;
using test::TransportCase;

struct Normal {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

Eigen::MatrixXd root(const Eigen::MatrixXd& matrix) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix).operatorSqrt();
}

/// MATHS section 5: W_2^2 and the displacement interpolation of normal laws.
struct NormalPair {
  Normal source, target;
  Eigen::MatrixXd map() const {
    const Eigen::MatrixXd r = root(source.covariance), inverse = r.inverse();
    return inverse * root(r * target.covariance * r) * inverse;
  }
  double cost() const {
    const Eigen::MatrixXd r = root(source.covariance);
    return (target.mean - source.mean).squaredNorm() +
           (source.covariance + target.covariance - 2 * root(r * target.covariance * r)).trace();
  }
  Eigen::MatrixXd covariance(double t) const {
    const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(source.mean.size(), source.mean.size());
    const Eigen::MatrixXd a = (1 - t) * identity + t * map();
    return a * source.covariance * a;
  }
};

laws::LawPtr law_of(const Normal& normal) {
  std::vector<std::vector<double>> rows;
  for (Index i = 0; i < normal.covariance.rows(); ++i) {
    rows.emplace_back();
    for (Index j = 0; j < normal.covariance.cols(); ++j) rows.back().push_back(normal.covariance(i, j));
  }
  const std::vector<double> mean(normal.mean.data(), normal.mean.data() + normal.mean.size());
  return test::law("gaussian", {{"mean", mean}, {"covariance", rows}});
}

NormalPair on_the_line() {
  return {{Eigen::VectorXd::Constant(1, -0.4), Eigen::MatrixXd::Constant(1, 1, 0.04)},
          {Eigen::VectorXd::Constant(1, 0.5), Eigen::MatrixXd::Constant(1, 1, 0.09)}};
}
NormalPair in_the_plane() {
  NormalPair pair{{Eigen::Vector2d(-0.4, -0.2), Eigen::Matrix2d()}, {Eigen::Vector2d(0.4, 0.2), Eigen::Matrix2d()}};
  pair.source.covariance << 0.06, 0.02, 0.02, 0.04;
  pair.target.covariance << 0.05, -0.02, -0.02, 0.08;
  return pair;
}

Normal moments(const densities::DensityPath& path, double t) {
  const densities::Grid& grid = *path.grid;
  const int d = grid.dimension();
  const std::vector<double> volumes = grid.local_volumes();
  const PointArray x = grid.local_centres();
  const auto& values = path.at(t).values;
  Normal found{Eigen::VectorXd::Zero(d), Eigen::MatrixXd::Zero(d, d)};
  for (Index i = 0; i < x.size(); ++i) {
    for (int k = 0; k < d; ++k) found.mean(k) += values[i] * volumes[i] * x(i, k);
  }
  for (Index i = 0; i < x.size(); ++i) {
    Eigen::VectorXd offset(d);
    for (int k = 0; k < d; ++k) offset(k) = x(i, k) - found.mean(k);
    found.covariance += values[i] * volumes[i] * offset * offset.transpose();
  }
  // Cell averages have width^2 / 12 more variance along each axis.
  for (int k = 0; k < d; ++k) found.covariance(k, k) -= std::pow(grid.width(k, 0), 2) / 12;
  return found;
}

TransportCase normal_case(const NormalPair& pair, int cells, int intervals, double tolerance) {
  const int d = static_cast<int>(pair.source.mean.size());
  return {law_of(pair.source), law_of(pair.target), test::grid(test::cube(d, cells, -2, 2)),
          {{"intervals", intervals}, {"tolerance", tolerance}}};
}

void expect_normal_order(const NormalPair& pair, const std::vector<int>& cells, double tolerance) {
  std::vector<double> cost_errors, law_errors, velocity_errors;
  const Normal middle{0.5 * (pair.source.mean + pair.target.mean), pair.covariance(0.5)};
  const Index d = middle.mean.size();
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(d, d), map = pair.map();
  for (const int n : cells) {
    const auto bridge = normal_case(pair, n, n / 2, tolerance).solve();
    const Normal found = moments(bridge.law, 0.5);
    cost_errors.push_back(std::abs(bridge.quantities.at("kinetic_energy") - pair.cost()));
    law_errors.push_back((found.covariance - middle.covariance).norm());
    EXPECT_LT((found.mean - middle.mean).norm(), 10 * tolerance);
    EXPECT_LT(bridge.quantities.at("mass_drift"), 1e-13);
    // v_t(x) = m' + (T - I) A_t^{-1} (x - m_t) one deviation away from the mean.
    double worst = 0;
    for (Index k = 0; k < d; ++k) {
      PointArray x(1, static_cast<int>(d)), v(1, static_cast<int>(d));
      Eigen::VectorXd offset = Eigen::VectorXd::Zero(d);
      offset(k) = std::sqrt(middle.covariance(k, k));
      for (Index m = 0; m < d; ++m) x(0, static_cast<int>(m)) = middle.mean(m) + offset(m);
      bridge.process->drift(0.5, x, v);
      const Eigen::VectorXd exact = pair.target.mean - pair.source.mean +
                                    (map - identity) * (0.5 * identity + 0.5 * map).inverse() * offset;
      for (Index m = 0; m < d; ++m) worst = std::max(worst, std::abs(v(0, static_cast<int>(m)) - exact(m)));
    }
    velocity_errors.push_back(worst);
  }
  // Second order in the cells and intervals, refined together.
  test::expect_order(cost_errors, 1.6, 2.6, "cost");
  test::expect_order(law_errors, 1.6, 2.6, "covariance at 1/2");
  test::expect_order(velocity_errors, 1.2, 3, "velocity at 1/2");
}

TEST(BenamouBrenier, NormalLawsOnTheLine) { expect_normal_order(on_the_line(), {32, 64, 128}, 1e-5); }

TEST(BenamouBrenier, CorrelatedNormalLawsInThePlane) { expect_normal_order(in_the_plane(), {24, 48}, 1e-4); }

}  // namespace
