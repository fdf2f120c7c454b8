// ranks: 1 2 3 4
// Default-propagator densities have the same bits for any number of ranks and threads; forward and backward are
// adjoint.
#include <omp.h>

#include <cstring>
#include <fstream>

#include "support/densities.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

struct Case {
  const char* name;
  processes::ProcessPtr process;
  Json grid_values, options;
};

std::vector<Case> cases() {
  const Json plane{{"lower", {-4, -4}},
                   {"upper", {4, 4}},
                   {"cells", {37, 22}},
                   {"boundary", Json::array({"no_flux", Json::array({"absorbing", "outflow"})})}};
  const Json torus{{"lower", {-4, -4}}, {"upper", {4, 4}}, {"cells", {19, 24}}, {"boundary", "periodic"}};
  const Json cube{{"lower", {-3, -3, -3}}, {"upper", {3, 3, 3}}, {"cells", {11, 9, 13}}};
  const Json line{
      {"lower", -4}, {"upper", 4}, {"cells", 51}, {"boundary", Json::array({Json::array({"absorbing", "no_flux"})})}};
  const auto ou = process("ornstein_uhlenbeck", {{"dimension", 2}});
  const auto wavy =
      process("expression", {{"drift", {"-x + sin(y)*t", "cos(x) - y"}}, {"noise", {"1 + 0.2*sin(x)", "0.8"}}});
  const auto tensor =
      process("expression", {{"drift", {"-x", "-y"}}, {"noise", Json::array({{"1", "0.3*sin(x)"}, {"0.4", "0.6"}})}});
  const auto swirl = process("expression", {{"drift", {"y", "-x"}}});
  const auto cube_process = process("expression", {{"drift", {"-x + y", "-y + z", "-z"}}, {"noise", 1.0}});
  const auto line_process = process("expression", {{"drift", {"-x^3 + x"}}, {"noise", 1.0}});
  return {{"separable", ou, plane, {{"propagator", "separable"}}},
          {"strang", wavy, plane, {{"propagator", "strang"}, {"steps", 7}}},
          {"strang adaptive", wavy, plane, {{"propagator", "strang"}, {"tolerance", 1e-2}}},
          {"periodic", wavy, torus, {{"propagator", "strang"}, {"steps", 5}}},
          {"tensor", tensor, plane, Json::object()},
          {"tensor periodic", tensor, torus, Json::object()},
          {"transport", swirl, plane, {{"steps", 6}}},
          {"cube", cube_process, cube, {{"steps", 4}}},
          {"line", line_process, line, Json::object()}};
}

std::uint64_t hash(const std::vector<double>& values) {
  std::uint64_t h = 1469598103934665603ull;
  for (double v : values) {
    std::uint64_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    h = (h ^ bits) * 1099511628211ull;
  }
  return h;
}

std::vector<double> whole(const Case& one, const parallel::Communicator& communicator) {
  const auto g = densities::Grid::make(Parameters::make("grids", "", one.grid_values), communicator);
  const int d = g->dimension();
  const auto start = law("gaussian", {{"mean", std::vector<double>(d, 0.3)}, {"deviation", 0.7}});
  Json options = one.options;
  options["boundary_mass_limit"] = 1.0;
  const auto path = DensityCase{one.process, start, g, {0.4, 1}, options}.solve();
  std::vector<double> all;
  for (const auto& snapshot : path.snapshots) {
    const std::vector<double> values = communicator.gather_all(snapshot.values);
    all.insert(all.end(), values.begin(), values.end());
  }
  const auto& last = path.diagnostics.back();
  all.insert(all.end(), {last.mass, last.entropy, last.boundary_mass, last.smallest, last.kinetic_energy});
  for (const auto& sides : {last.absorbed, last.flux}) {
    for (const auto& axis : sides) all.insert(all.end(), axis.begin(), axis.end());
  }
  return all;
}

}  // namespace

TEST(SameBits, ForAnyNumberOfRanksAndThreads) {
  for (const Case& one : cases()) {
    std::vector<std::uint64_t> hashes;
    std::vector<double> distributed;
    for (int threads : {1, 2}) {
      omp_set_num_threads(threads);
      distributed = whole(one, world());
      hashes.push_back(hash(distributed));
    }
    omp_set_num_threads(1);
    // The same problem on one rank alone.
    const std::vector<double> alone = whole(one, parallel::Communicator(MPI_COMM_SELF));
    hashes.push_back(hash(alone));
    EXPECT_EQ(hashes[0], hashes[1]) << one.name << ": threads";
    EXPECT_EQ(hashes[0], hashes[2]) << one.name << ": ranks";
    double largest = 0;
    for (std::size_t i = 0; i < alone.size(); ++i) largest = std::max(largest, std::abs(alone[i] - distributed[i]));
    EXPECT_EQ(largest, 0) << one.name;
    EXPECT_EQ(distributed.size(), alone.size());
  }
}

TEST(Adjoint, BackwardIsTheTransposeOfForward) {
  for (const Case& one : cases()) {
    if (std::string(one.name) == "transport") continue;
    const auto g = grid(one.grid_values);
    for (const char* kind : {"strang", "separable"}) {
      if (std::string(kind) == "separable" && std::string(one.name) != "separable") continue;
      const auto parameters = Parameters::make("propagators", kind, Json::object(), "test");
      const auto propagator = densities::make_propagator(parameters, one.process, g);
      const Index n = g->local_count(), first = g->slab().begin * g->layer_size();
      std::vector<double> p(n), f(n);
      for (Index i = 0; i < n; ++i) {
        p[i] = 1 + std::sin(0.37 * static_cast<double>(first + i));
        f[i] = 2 + std::cos(0.61 * static_cast<double>(first + i));
      }
      std::vector<double> moved = p, pulled = f;
      propagator->forward(0.1, 0.9, 5, moved);
      propagator->backward(0.1, 0.9, 5, pulled);
      parallel::ExactSum left, right;
      for (Index i = 0; i < n; ++i) {
        left.add(moved[i] * f[i]);
        right.add(p[i] * pulled[i]);
      }
      const double a = world().sum(left), b = world().sum(right);
      EXPECT_NEAR(a / b, 1, 2e-13) << one.name << " " << kind;
    }
  }
}

TEST(Adjoint, TransportSaysThatItHasNone) {
  const auto swirl = process("expression", {{"drift", {"y", "-x"}}});
  const auto g = grid({{"lower", {-1, -1}}, {"upper", {1, 1}}, {"cells", {8, 8}}});
  const auto propagator =
      densities::make_propagator(Parameters::make("propagators", "strang", Json::object()), swirl, g);
  EXPECT_FALSE(propagator->has_transpose());
  std::vector<double> f(g->local_count(), 1.0);
  EXPECT_THROW(propagator->backward(0, 1, 2, f), UsageError);
  const auto upwind =
      densities::make_propagator(Parameters::make("propagators", "strang", {{"transport", "upwind"}}), swirl, g);
  EXPECT_TRUE(upwind->has_transpose());
  upwind->backward(0, 1, 2, f);
  for (double value : f) EXPECT_NEAR(value, 1, 1e-13);
}

TEST(Grid, FewerCellsThanRanksIsRefused) {
  const Json values{{"lower", {0, 0}}, {"upper", {1, 1}}, {"cells", {4, 3}}};
  if (world().size() > 3) {
    try {
      grid(values);
      ADD_FAILURE() << "was accepted";
    } catch (const ParameterError& error) {
      EXPECT_NE(std::string(error.what()).find("3 cells for 4 ranks"), std::string::npos) << error.what();
    }
  } else {
    EXPECT_EQ(world().sum_count(grid(values)->local_count()), 12);
  }
}
