// Optimal assignment against brute force, sorting and its own dual certificate.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "fortet/base/error.hpp"
#include "fortet/couplings/assignment.hpp"
#include "fortet/couplings/transport.hpp"
#include "fortet/laws/law.hpp"

using namespace fortet;
using couplings::assign;
using couplings::Assignment;

namespace {

PointArray normals(Index n, int d, std::string_view name) {
  PointArray x(n, d);
  parallel::Stream(11, parallel::Purpose::law_sample, name).normals(0, 0, x);
  return x;
}

PointArray sample(const std::string& kind, const Json& values, Index n, std::string_view name) {
  PointArray x(n, 2);
  laws::make_law(Parameters::make("laws", kind, values))
      ->sample(parallel::Stream(11, parallel::Purpose::law_sample, name), 0, x);
  return x;
}

double cost(ConstPoints x, Index i, ConstPoints y, Index j) {
  double sum = 0;
  for (int k = 0; k < x.dimension(); ++k) sum += (x(i, k) - y(j, k)) * (x(i, k) - y(j, k));
  return sum;
}

/// A permutation whose potentials are feasible and tight is optimal; all to rounding of the largest cost.
void expect_optimal(ConstPoints x, ConstPoints y, const Assignment& assignment) {
  const Index n = x.size();
  std::vector<int> seen(n, 0);
  double largest = 0, violation = 0, slack = 0, sum = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const double c = cost(x, i, y, j), reduced = c - assignment.row_potential[i] - assignment.column_potential[j];
      largest = std::max(largest, c);
      violation = std::max(violation, -reduced);
      if (j == assignment.column[i]) {
        slack = std::max(slack, std::abs(reduced));
        sum += c;
      }
    }
    ++seen.at(assignment.column[i]);
  }
  EXPECT_EQ(seen, std::vector<int>(n, 1));
  EXPECT_LE(violation, 1e-13 * largest);
  EXPECT_LE(slack, 1e-13 * largest);
  EXPECT_NEAR(assignment.cost, sum, 1e-13 * n * largest);
}

TEST(Assignment, BruteForce) {
  for (Index n = 1; n <= 7; ++n) {
    for (int d = 1; d <= 5; ++d) {
      const PointArray x = normals(n, d, std::to_string(n) + "x"), y = normals(n, d, std::to_string(n) + "y");
      std::vector<int> order(n);
      std::iota(order.begin(), order.end(), 0);
      double best = 1e300;
      do {
        double sum = 0;
        for (Index i = 0; i < n; ++i) sum += cost(x, i, y, order[i]);
        best = std::min(best, sum);
      } while (std::next_permutation(order.begin(), order.end()));
      const Assignment assignment = assign(x, y);
      EXPECT_NEAR(assignment.cost, best, 1e-13 * best) << n << " points in " << d << " dimensions";
      expect_optimal(x, y, assignment);
    }
  }
}

TEST(Assignment, CertifiedInManyDimensionsAndSizes) {
  for (const Index n : {31, 32, 33, 80, 81, 255, 256, 257, 600}) {
    for (const int d : {1, 2, 3, 4, 10}) {
      const PointArray x = normals(n, d, "x");
      PointArray y = normals(n, d, "y");
      for (Index i = 0; i < n; ++i) y(i, 0) = 3 * y(i, 0) + 1;
      expect_optimal(x, y, assign(x, y));
    }
  }
}

TEST(Assignment, CertifiedOnToySets) {
  for (const Index n : {512, 2048}) {
    const PointArray normal = normals(n, 2, "normal"), modes = sample("eight_gaussians", Json::object(), n, "modes"),
                     moons = sample("moons", Json::object(), n, "moons"),
                     again = sample("moons", Json::object(), n, "again");
    expect_optimal(normal, modes, assign(normal, modes));
    expect_optimal(moons, modes, assign(moons, modes));
    expect_optimal(moons, again, assign(moons, again));
  }
}

/// With ties everywhere: copies of few points, points of a lattice, all points the same, a sample with itself.
TEST(Assignment, Ties) {
  const Index n = 300;
  PointArray few(n, 2), lattice(n, 2), same(n, 2);
  for (Index i = 0; i < n; ++i) {
    few(i, 0) = static_cast<double>(i % 7);
    few(i, 1) = static_cast<double>(i % 3);
    lattice(i, 0) = static_cast<double>(i % 20);
    lattice(i, 1) = static_cast<double>(i / 20);
  }
  const PointArray x = normals(n, 2, "x");
  const std::vector<const PointArray*> all{&few, &lattice, &same, &x};
  for (const PointArray* a : all) {
    for (const PointArray* b : all) expect_optimal(*a, *b, assign(*a, *b));
    EXPECT_EQ(assign(*a, *a).cost, 0);
  }
}

/// Where sixteen bits and single precision are used, and at the borders of that: ties, copies, clusters, heavy tails.
TEST(Assignment, SmallSizes) {
  for (const Index n : {1, 2, 3, 17, 32, 33, 41, 255, 256, 257, 512, 513}) {
    for (const int d : {1, 2, 5, 16, 17}) {
      const PointArray x = normals(n, d, "x"), y = normals(n, d, "y");
      PointArray wide(n, d), lattice(n, d), copies(n, d), same(n, d), clusters(n, d), heavy(n, d);
      for (Index i = 0; i < n; ++i) {
        for (int k = 0; k < d; ++k) {
          wide(i, k) = 3 * y(i, k) + 1;
          lattice(i, k) = std::floor(2 * y(i, k));
          copies(i, k) = x(i % 7, k);
          same(i, k) = 1;
          clusters(i, k) = 1e-4 * y(i, k) + 100 * static_cast<double>(i % 3 + k % 2);
          heavy(i, k) = std::exp(3 * y(i, k));
        }
      }
      for (const PointArray* other :
           std::vector<const PointArray*>{&wide, &lattice, &copies, &same, &clusters, &heavy, &x}) {
        SCOPED_TRACE(std::to_string(n) + " points in " + std::to_string(d) + " dimensions");
        expect_optimal(x, *other, assign(x, *other));
        expect_optimal(*other, *other, assign(*other, *other));
        expect_optimal(*other, lattice, assign(*other, lattice));
      }
    }
  }
}

/// The plan is the same wherever the clouds lie and whatever their scales; another problem in between changes nothing.
TEST(Assignment, OffsetsAndScales) {
  for (const Index n : {17, 256, 512}) {
    const PointArray x = normals(n, 2, "x"), y = sample("eight_gaussians", Json::object(), n, "y");
    const Assignment plain = assign(x, y);
    for (const double scale : {1e-30, 1e-3, 1e30}) {
      PointArray a = x, b = y;
      for (Index i = 0; i < n; ++i) {
        for (int k = 0; k < 2; ++k) {
          a(i, k) *= scale;
          b(i, k) *= scale;
        }
      }
      const Assignment scaled = assign(a, b);
      expect_optimal(a, b, scaled);
      EXPECT_EQ(scaled.column, plain.column) << n << " points, scale " << scale;
    }
    for (const double offset : {1e6, -1e6}) {
      PointArray a = x, b = y;
      for (Index i = 0; i < n; ++i) {
        for (int k = 0; k < 2; ++k) {
          a(i, k) += 1e6;
          b(i, k) += offset;
        }
      }
      expect_optimal(a, b, assign(a, b));
    }
    EXPECT_EQ(assign(x, y).column, plain.column);
  }
}

TEST(Assignment, SortsOnTheLine) {
  const Index n = 3000;
  const PointArray x = normals(n, 1, "x"), y = normals(n, 1, "y");
  std::vector<double> a(x.view().coordinate(0), x.view().coordinate(0) + n),
      b(y.view().coordinate(0), y.view().coordinate(0) + n);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  EXPECT_NEAR(assign(x, y).cost, sum, 1e-12 * n);
  EXPECT_NEAR(couplings::sample_line_cost(a, b, 2), sum / n, 1e-14);
}

/// The network simplex, which knows nothing of geometry, finds the same cost.
TEST(Assignment, NetworkSimplexAgrees) {
  const Index n = 120;
  const PointArray x = normals(n, 2, "x"), y = sample("eight_gaussians", Json::object(), n, "y");
  std::vector<double> costs;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) costs.push_back(cost(x, i, y, j));
  }
  const std::vector<double> ones(n, 1.0);
  const couplings::TransportPlan plan = couplings::exact_plan(ones, ones, costs);
  const Assignment assignment = assign(x, y);
  EXPECT_NEAR(plan.cost, assignment.cost / n,
              1e-9 * plan.cost);  // costs and masses of the simplex are rounded to 2^-40
  double total = 0, sum = 0;
  for (const auto& entry : plan.entries) {
    total += entry.mass;
    sum += entry.mass * costs[entry.source * n + entry.target];
  }
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_NEAR(sum, plan.cost, 1e-12 * plan.cost);
}

TEST(Assignment, BadInput) {
  PointArray x = normals(10, 2, "x");
  EXPECT_THROW(assign(x, normals(9, 2, "y")), UsageError);
  EXPECT_THROW(assign(x, normals(10, 3, "y")), UsageError);
  x(3, 1) = std::nan("");
  EXPECT_THROW(assign(x, normals(10, 2, "y")), UsageError);
  EXPECT_EQ(assign(PointArray(0, 2), PointArray(0, 2)).cost, 0);
}

/// What is solved side by side, or beside a problem that falls back to doubles, has the plan that it has alone.
TEST(Assignment, SideBySide) {
  std::vector<PointArray> x, y;
  const auto add = [&](PointArray rows, PointArray columns) {
    x.push_back(std::move(rows));
    y.push_back(std::move(columns));
  };
  int name = 0;
  for (const std::pair<Index, int>& size : std::vector<std::pair<Index, int>>{{256, 2},
                                                                              {256, 2},
                                                                              {256, 2},
                                                                              {200, 3},
                                                                              {200, 3},
                                                                              {100, 5},
                                                                              {100, 4},
                                                                              {20, 2},
                                                                              {0, 2},
                                                                              {600, 2},
                                                                              {37, 1},
                                                                              {37, 1},
                                                                              {512, 2},
                                                                              {512, 2}}) {
    add(normals(size.first, size.second, "x" + std::to_string(name)),
        normals(size.first, size.second, "y" + std::to_string(name)));
    ++name;
  }
  const auto clusters = [](Index count, std::string_view of) {  // a thousand deviations apart
    PointArray points = normals(300, 2, of);
    for (Index i = 0; i < points.size(); ++i) points(i, i % 2) += 1e3 * static_cast<double>(i % count);
    return points;
  };
  add(clusters(8, "far"), clusters(5, "apart"));
  add(normals(300, 2, "near"), clusters(3, "other"));
  add(PointArray(300, 2), PointArray(300, 2));  // all points the same
  add(normals(300, 2, "beside"), normals(300, 2, "it"));
  std::vector<couplings::PointSets> problems;
  for (std::size_t p = 0; p < x.size(); ++p) problems.push_back({x[p], y[p]});
  const std::vector<Assignment> together = couplings::assign_all(problems);
  ASSERT_EQ(together.size(), x.size());
  for (std::size_t p = 0; p < x.size(); ++p) {
    SCOPED_TRACE(p);
    const Assignment alone = assign(x[p], y[p]);
    EXPECT_EQ(together[p].column, alone.column);
    EXPECT_EQ(together[p].column_potential, alone.column_potential);
    expect_optimal(x[p], y[p], together[p]);
  }
}

}  // namespace
