// Grid, exponential fitting and Selling's decomposition by themselves.
#include <limits>

#include "../../src/densities/bernoulli.hpp"
#include "../../src/densities/selling.hpp"
#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

TEST(Grid, LocatesPointsOnUniformStretchedAndPeriodicAxes) {
  const auto g = grid({{"lower", {0, -1}},
                       {"upper", {1, 2}},
                       {"cells", {7, 9}},
                       {"boundary", Json::array({"periodic", "no_flux"})},
                       {"stretching", Json::array({{{"axis", 1}, {"focus", 0.2}}})}});
  for (Index j = 0; j < 9; ++j) {
    for (Index i = 0; i < 7; ++i) {
      PointArray x(3, 2);
      for (int p = 0; p < 3; ++p) {
        x(p, 0) = g->centres(0)[i] + (p - 1.0);  // one period below, here, one above
        x(p, 1) = p == 0 ? g->edges(1)[j] : g->centres(1)[j];
      }
      std::int64_t cell[3];
      g->locate(x, cell);
      for (std::int64_t c : cell) EXPECT_EQ(c, j * 7 + i);
    }
  }
  PointArray ends(4, 2);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double points[4][2] = {{0.0, 2.0}, {0.5, 2.0000001}, {0.5, -1.1}, {nan, 0.0}};
  for (int p = 0; p < 4; ++p) {
    for (int k = 0; k < 2; ++k) ends(p, k) = points[p][k];
  }
  std::int64_t cell[4];
  g->locate(ends, cell);
  EXPECT_EQ(cell[0], 8 * 7);  // the domain's last edge belongs to the last cell
  for (int p = 1; p < 4; ++p) EXPECT_EQ(cell[p], -1);
  const auto narrow = std::min_element(g->edges(1).begin(), g->edges(1).end() - 1,
                                       [](const double& a, const double& b) { return *(&a + 1) - a < *(&b + 1) - b; });
  EXPECT_LE(*narrow, 0.2);
  EXPECT_GE(*(narrow + 1), 0.2);
}

TEST(Grid, RefinementAndCoarseningAreInverse) {
  const auto g = grid({{"lower", {0, -1}}, {"upper", {1, 2}}, {"cells", {6, 10}}});
  const auto back = g->refined()->coarsened();
  EXPECT_EQ(back->edges(), g->edges());
  EXPECT_FALSE(grid({{"lower", 0}, {"upper", 1}, {"cells", 5}})->can_be_coarsened());
}

TEST(Grid, RefusesBadValues) {
  const auto message = [](Json values) -> std::string {
    try {
      grid(std::move(values));
    } catch (const ParameterError& error) {
      return error.parameter;
    }
    return "";
  };
  EXPECT_EQ(message({{"lower", {0, 0}}, {"upper", {1}}, {"cells", {4, 4}}}), "upper");
  EXPECT_EQ(message({{"lower", {0, 2}}, {"upper", {1, 1}}, {"cells", {4, 4}}}), "upper");
  EXPECT_EQ(message({{"lower", 0}, {"upper", 1}, {"cells", 0}}), "cells");
  EXPECT_EQ(message({{"lower", 0},
                     {"upper", 1},
                     {"cells", 4},
                     {"boundary", Json::array({Json::array({"periodic", "no_flux"})})}}),
            "boundary");
  EXPECT_EQ(message({{"lower", 0}, {"upper", 1}, {"cells", 4}, {"boundary", "open"}}), "boundary");
  EXPECT_EQ(message({{"lower", 0},
                     {"upper", 1},
                     {"cells", 2},
                     {"stretching", Json::array({{{"axis", 0}, {"edges", {0, 0.7, 0.5}}}})}}),
            "stretching.edges");
}

TEST(ExponentialFitting, RatesAreAccurateInEveryComponent) {
  for (double z : {1e-300, 1e-17, 1e-8, 0.1, 1.0, 30.0, 300.0, 700.0}) {
    for (double sign : {1.0, -1.0}) {
      const auto rates = densities::fitted_rates(2.0, sign * z);
      EXPECT_GT(rates.up, 0);
      EXPECT_GT(rates.down, 0);
      // B(-z) - B(z) = z and B(-z) / B(z) = e^z.
      EXPECT_NEAR((rates.up - rates.down) / 2, sign * z, 4e-16 * std::max(1.0, z));
      EXPECT_NEAR(std::log(rates.up / rates.down), sign * z, 4e-16 * std::max(1.0, z));
    }
  }
  EXPECT_EQ(densities::fitted_rates(3.0, 0.0, 0.1).up, 3.0);
  EXPECT_EQ(densities::fitted_rates(-3.0, 0.0, 0.1).down, 3.0);
  EXPECT_EQ(densities::fitted_rates(0.0, 0.5, 0.1).up, 5.0);
}

TEST(Selling, DecomposesAnyPositiveDefiniteMatrix) {
  for (int d : {2, 3}) {
    for (int sample = 0; sample < 200; ++sample) {
      Eigen::MatrixXd root(d, d);
      for (int i = 0; i < d; ++i) {
        for (int j = 0; j < d; ++j)
          root(i, j) = std::sin(1.0 + 7.3 * sample + 2.1 * i + 3.7 * j * j) * (i == 0 ? 10.0 : 1.0);
      }
      const Eigen::MatrixXd m = root * root.transpose() + 1e-3 * Eigen::MatrixXd::Identity(d, d);
      std::vector<double> upper;
      for (int i = 0; i < d; ++i) {
        for (int j = i; j < d; ++j) upper.push_back(m(i, j));
      }
      const auto terms = densities::selling_decomposition(d, upper.data());
      ASSERT_FALSE(terms.empty());
      EXPECT_LE(terms.size(), d == 2 ? 3u : 6u);
      Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(d, d);
      for (const auto& term : terms) {
        EXPECT_GT(term.weight, 0);
        Eigen::VectorXd e(d);
        for (int k = 0; k < d; ++k) e(k) = term.offset[k];
        sum += term.weight * e * e.transpose();
      }
      EXPECT_LT((sum - m).norm(), 1e-10 * m.norm());
    }
  }
  const double singular[3] = {1, 1, 1}, indefinite[3] = {1, 2, 1};
  EXPECT_TRUE(densities::selling_decomposition(2, indefinite).empty());
  EXPECT_EQ(densities::selling_decomposition(2, singular).size(), 1u);  // one direction: (1, 1)
}
