// Uses fortet as a library: the marginal of an Ornstein-Uhlenbeck process has the variance of its closed form.
#include <cmath>
#include <cstdio>

#include "fortet/processes/process.hpp"

int main() {
  using namespace fortet;
  const auto law = laws::make_law(Parameters::make("laws", "gaussian", {{"dimension", 1}}));
  const auto process = processes::make_process(
      Parameters::make("processes", "ornstein_uhlenbeck", {{"dimension", 1}, {"rate", 1.0}, {"sigma", 2.0}}));
  const double found = process->marginal(law, 0.5)->moments().covariance(0, 0);
  const double expected =
      std::exp(-1.0) + 2 * (1 - std::exp(-1.0));  // S0 e^{-2 r t} + sigma^2 / (2 r) (1 - e^{-2 r t})
  std::printf("variance %.15g, closed form %.15g\n", found, expected);
  return std::abs(found - expected) < 1e-14 ? 0 : 1;
}
