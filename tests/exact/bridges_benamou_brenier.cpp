// Dynamic optimal transport (Benamou-Brenier) against closed forms and against exact static transport.
#include <Eigen/Dense>

#include "fortet/base/linear_algebra.hpp"
#include "fortet/couplings/transport.hpp"
#include "support/transport.hpp"

namespace {
using namespace fortet;
using test::TransportCase;

struct Normal {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// MATHS section 5: W_2^2 and the displacement interpolation of normal laws.
struct NormalPair {
  Normal source, target;
  Eigen::MatrixXd map() const {
    const Eigen::MatrixXd r = square_root(source.covariance), back = inverse(r);
    return back * square_root(r * target.covariance * r) * back;
  }
  double cost() const {
    const Eigen::MatrixXd r = square_root(source.covariance);
    return (target.mean - source.mean).squaredNorm() +
           (source.covariance + target.covariance - 2 * square_root(r * target.covariance * r)).trace();
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
  return {law_of(pair.source),
          law_of(pair.target),
          test::grid(test::cube(d, cells, -2, 2)),
          {{"intervals", intervals}, {"tolerance", tolerance}}};
}

void expect_normal_order(const NormalPair& pair, const std::vector<int>& cells, double per_interval, double tolerance) {
  std::vector<double> cost_errors, law_errors, velocity_errors;
  const Normal middle{0.5 * (pair.source.mean + pair.target.mean), pair.covariance(0.5)};
  const Index d = middle.mean.size();
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(d, d), map = pair.map();
  for (const int n : cells) {
    const auto bridge = normal_case(pair, n, static_cast<int>(n / per_interval), tolerance).solve();
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
      const Eigen::VectorXd exact =
          pair.target.mean - pair.source.mean + (map - identity) * inverse(0.5 * identity + 0.5 * map) * offset;
      for (Index m = 0; m < d; ++m) worst = std::max(worst, std::abs(v(0, static_cast<int>(m)) - exact(m)));
    }
    velocity_errors.push_back(worst);
  }
  // Second order in the cells and intervals, refined together.
  test::expect_order(cost_errors, 1.6, 2.6, "cost");
  test::expect_order(law_errors, 1.6, 2.6, "covariance at 1/2");
  EXPECT_LT(velocity_errors.back(), 1e-2);
  if (d > 1)
    test::expect_order(velocity_errors, 1.2, 3, "velocity at 1/2");  // on the line down to the residual at once
}

TEST(BenamouBrenier, NormalLawsOnTheLine) { expect_normal_order(on_the_line(), {32, 64, 128}, 4, 1e-5); }

TEST(BenamouBrenier, CorrelatedNormalLawsInThePlane) { expect_normal_order(in_the_plane(), {24, 48}, 2, 1e-4); }

TEST(BenamouBrenier, TranslatedBumpHasConstantVelocity) {
  const Eigen::Matrix2d covariance = Eigen::Vector2d(0.05, 0.05).asDiagonal();
  const NormalPair pair{{Eigen::Vector2d(-0.4, -0.3), covariance}, {Eigen::Vector2d(0.4, 0.1), covariance}};
  std::vector<double> errors;
  for (const int cells : {24, 48}) {
    const auto bridge = normal_case(pair, cells, cells / 2, 1e-4).solve();
    double square = 0;
    Index count = 0;
    for (const double t : {0.1, 0.5, 0.8}) {
      const Eigen::Vector2d centre = (1 - t) * pair.source.mean + t * pair.target.mean;
      PointArray x(9, 2), v(9, 2);
      for (Index i = 0; i < 9; ++i) {
        x(i, 0) = centre(0) + 0.3 * static_cast<double>(i % 3 - 1);
        x(i, 1) = centre(1) + 0.3 * static_cast<double>(i / 3 - 1);
      }
      bridge.process->drift(t, x, v);
      for (Index i = 0; i < 9; ++i) {
        square += std::pow(v(i, 0) - 0.8, 2) + std::pow(v(i, 1) - 0.4, 2);
        ++count;
      }
    }
    errors.push_back(std::sqrt(square / static_cast<double>(count)));
  }
  EXPECT_LT(errors.back(), 0.01);
  test::expect_order(errors, 1.2, 4, "velocity of a translation");
}

std::vector<double> masses_of(const laws::Law& law, const densities::Grid& grid) {
  std::vector<double> masses(grid.local_count());
  law.cell_masses(grid.local_edges(), masses);
  return masses;
}

/// Static transport between the masses of the cells, as if they lay in the centres.
double static_cost(const TransportCase& one, const std::function<double(const double*, const double*)>& cost) {
  const densities::Grid& grid = *one.grid;
  const PointArray x = grid.local_centres();
  const Index n = x.size();
  const int d = grid.dimension();
  std::vector<double> costs(n * n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      double from[3], to[3];
      for (int k = 0; k < d; ++k) from[k] = x(i, k), to[k] = x(j, k);
      costs[i * n + j] = cost(from, to);
    }
  }
  return couplings::exact_cost(masses_of(*one.source, grid), masses_of(*one.target, grid), costs);
}

TEST(BenamouBrenier, AgreesWithExactStaticTransport) {
  const auto squared = [](const double* a, const double* b) {
    return std::pow(a[0] - b[0], 2) + std::pow(a[1] - b[1], 2);
  };
  const auto source = test::law(
                 "gaussian_mixture",
                 {{"weights", {0.5, 0.5}}, {"means", {{-0.7, -0.6}, {-0.6, 0.7}}}, {"deviations", {0.22, 0.25}}}),
             target = test::law(
                 "gaussian_mixture",
                 {{"weights", {0.3, 0.7}}, {"means", {{0.7, -0.5}, {0.5, 0.6}}}, {"deviations", {0.25, 0.2}}});
  std::vector<double> differences;
  for (const int cells : {12, 24}) {
    const TransportCase one{
        source, target, test::grid(test::cube(2, cells, -1.5, 1.5)), {{"tolerance", 1e-4}, {"intervals", cells}}};
    const double dynamic = one.solve().quantities.at("kinetic_energy"), fixed = static_cost(one, squared);
    // Mass spread over a cell is within sqrt(2/12) h of mass in its centre.
    const double h = 3.0 / cells, bound = 2 * std::sqrt(2.0 / 12) * h;
    EXPECT_LT(std::abs(std::sqrt(dynamic) - std::sqrt(fixed)), bound);
    differences.push_back(std::abs(dynamic - fixed));
  }
  test::expect_order(differences, 1, 5, "dynamic less static cost");
}

TEST(BenamouBrenier, CostOnTheLineIsThatOfTheDistanceItMeasures) {
  // With cost kappa(x) the cheapest way from a to b costs (s(b) - s(a))^2, s' = sqrt(kappa). The error of the value:
  // that of the ends, whose mass is spread over the cells, and of differences in space, O(h^2); that of differences and
  // means in time, O(dt^2); the square of the residual, which is out of sight here. With h / dt fixed it is of order
  // two.
  const auto distance = [](double x) { return x + 0.25 * std::sin(2 * x); };  // s' = 1 + cos(2 x) / 2
  std::vector<double> errors;
  for (const int cells : {32, 64, 128}) {
    TransportCase one = normal_case(on_the_line(), cells, cells / 2, 1e-5);
    one.options["cost"] = "(1 + cos(2*x)/2)^2";
    const TransportCase fine = normal_case(on_the_line(), 1024, 4, 1e-5);
    const std::vector<double> source = masses_of(*fine.source, *fine.grid),
                              target = masses_of(*fine.target, *fine.grid);
    std::vector<double> places;
    for (const double x : fine.grid->centres(0)) places.push_back(distance(x));
    const double exact = couplings::line_cost(places, source, target, 2);
    errors.push_back(std::abs(one.solve().quantities.at("kinetic_energy") - exact));
  }
  EXPECT_LT(errors.back(), 0.002);
  test::expect_order(errors, 1.6, 2.4, "cost on the line");
}

TEST(BenamouBrenier, ParticlesArriveAtTheTarget) {
  const NormalPair pair = in_the_plane();
  const auto bridge = normal_case(pair, 40, 20, 1e-3).solve();
  const Index n = 4000;
  PointArray x(n, 2);
  law_of(pair.source)->sample(parallel::Stream(5, parallel::Purpose::initial_law, "particles"), 0, x);
  x = test::carry(*bridge.process, std::move(x), 40);
  Eigen::MatrixXd points(n, 2);
  for (Index i = 0; i < n; ++i) points.row(i) << x(i, 0), x(i, 1);
  const Eigen::VectorXd mean = points.colwise().mean();
  const Eigen::MatrixXd centred = points.rowwise() - mean.transpose();
  const Eigen::MatrixXd covariance = centred.transpose() * centred / static_cast<double>(n);
  // Four standard errors of the sample, and h^2 for the grid.
  const double h = 0.1;
  for (int k = 0; k < 2; ++k) {
    EXPECT_NEAR(mean(k), pair.target.mean(k), 4 * std::sqrt(pair.target.covariance(k, k) / n) + h * h);
    EXPECT_NEAR(covariance(k, k), pair.target.covariance(k, k),
                4 * pair.target.covariance(k, k) * std::sqrt(2.0 / n) + h * h);
  }
  EXPECT_NEAR(covariance(0, 1), pair.target.covariance(0, 1), 4 * 0.07 / std::sqrt(n) + h * h);
}

TransportCase around_a_wall(int cells) {
  const double deviation = 0.1;
  return {test::law("gaussian", {{"mean", {-0.8, 0.1}}, {"deviation", deviation}}),
          test::law("gaussian", {{"mean", {0.8, 0.1}}, {"deviation", deviation}}),
          test::grid(test::cube(2, cells, -1.5, 1.5)),
          {{"intervals", 16}, {"tolerance", 1e-3}, {"obstacle", "1 - max(abs(x)/0.2, abs(y)/0.7)"}},
          {0, 0.25, 0.5, 1}};
}

TEST(BenamouBrenier, GoesAroundAnObstacle) {
  TransportCase one = around_a_wall(36);
  const auto bridge = one.solve();
  one.options.erase("obstacle");
  const auto free = one.solve();
  // Straight through: 1.6^2. Around the nearer corners, (-0.2, 0.7) and (0.2, 0.7): the length squared.
  const double around = std::pow(2 * std::hypot(0.6, 0.6) + 0.4, 2);
  EXPECT_NEAR(free.quantities.at("kinetic_energy"), 2.56, 0.02);
  EXPECT_GT(bridge.quantities.at("kinetic_energy"), 0.85 * around);
  EXPECT_LT(bridge.quantities.at("kinetic_energy"), 1.25 * around);
  const PointArray x = one.grid->local_centres();
  const double volume = std::pow(3.0 / 36, 2);
  for (const double t : one.at) {
    double inside = 0, all = 0;
    for (Index i = 0; i < x.size(); ++i) {
      const double mass = bridge.law.at(t).values[i] * volume;
      all += mass;
      if (std::abs(x(i, 0)) < 0.2 && std::abs(x(i, 1)) < 0.7) inside += std::abs(mass);
    }
    EXPECT_NEAR(all, 1, 1e-12);
    EXPECT_LT(inside, 5e-3) << t;  // of the order of the residual
  }
  // Particles go around too, but for the layer of cells in which the velocity falls to zero.
  PointArray points(1000, 2);
  one.source->sample(parallel::Stream(6, parallel::Purpose::initial_law, "particles"), 0, points);
  double mean = 0;
  PointArray half = test::carry(*bridge.process, std::move(points), 64);
  for (Index i = 0; i < 1000; ++i) mean += half(i, 0) / 1000;
  EXPECT_NEAR(mean, 0.8, 0.1);
}

TEST(BenamouBrenier, IterationsDoNotGrowWithTheGrid) {
  for (const bool wall : {false, true}) {
    std::vector<double> iterations;
    for (const int cells : {18, 36, 72}) {
      TransportCase one = around_a_wall(cells);
      if (!wall) one.options.erase("obstacle");
      one.options["intervals"] = cells / 2;
      iterations.push_back(one.solve().quantities.at("iterations"));
      std::printf("%s %d^2 x %d: %g iterations\n", wall ? "wall" : "free", cells, cells / 2, iterations.back());
    }
    EXPECT_LE(iterations.back(), 1.25 * *std::max_element(iterations.begin(), iterations.end() - 1));
  }
}

std::string refusal(const TransportCase& one, ExitCode code) {
  try {
    one.solve();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), code) << error.what();
    return error.what();
  }
  return "";
}

TEST(BenamouBrenier, RefusesWhatItCannotSolve) {
  const auto expect = [](const TransportCase& one, const std::string& message, ExitCode code = ExitCode::usage) {
    const std::string found = refusal(one, code);
    EXPECT_NE(found.find(message), std::string::npos) << found;
  };
  TransportCase one = around_a_wall(18);
  const TransportCase good = one;
  Json values = test::cube(2, 18, -1.5, 1.5);
  values["boundary"] = "periodic";
  one.grid = test::grid(values);
  expect(one, "not no_flux");
  const std::vector<double> stretched{-1.5, -1, -0.2, 0.5, 1.5}, equal{-1.5, -0.5, 0.5, 1.5};
  one.grid = std::make_shared<densities::Grid>(
      test::world(), std::vector{stretched, equal},
      std::vector<std::array<densities::Boundary, 2>>(2, {densities::Boundary::no_flux, densities::Boundary::no_flux}));
  expect(one, "axis 0 is stretched");
  one = good;
  one.options["obstacle"] = "0.5 - abs(x + 0.8)";
  expect(one, "of the mass of the source law");
  one.options["obstacle"] = "0.2 - abs(x)";
  expect(one, "no way for 1 of the mass");
  one = good;
  one.options["cost"] = "x";
  expect(one, "must be positive");
  one.options["cost"] = "1 + t";
  expect(one, "not on t");
  one = good;
  one.options["iterations"] = 20;
  expect(one, "not solved after 20 iterations", ExitCode::diverged);
}

}  // namespace
