// Activations and their derivatives, seen through a network of one unit, against the long double library.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/networks.hpp"

namespace {
using namespace fortet;
using networks::Activation;

struct Values {
  long double value, first, second;
};

Values exact(Activation activation, long double z) {
  const long double sigmoid = 1 / (1 + std::exp(-z)), slope = sigmoid / (1 + std::exp(z));
  switch (activation) {
    case Activation::selu: {
      const long double scale = 1.0507009873554804934193349852946L, alpha = 1.6732632423543772848170429916717L;
      if (z > 0) return {scale * z, scale, 0};
      return {scale * alpha * std::expm1(z), scale * alpha * std::exp(z), scale * alpha * std::exp(z)};
    }
    case Activation::silu:
      return {z * sigmoid, sigmoid + z * slope, slope * (2 + z * (1 - 2 * sigmoid))};
    case Activation::gelu: {
      const long double normal = std::erfc(-z / std::sqrt(2.0L)) / 2;
      const long double density = std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0L));
      return {z * normal, normal + z * density, density * (2 - z * z)};
    }
    case Activation::tanh: {
      const long double first = 1 / (std::cosh(z) * std::cosh(z));
      return {std::tanh(z), first, -2 * std::tanh(z) * first};
    }
    case Activation::softplus:
      return {std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z))), sigmoid, slope};
  }
  return {};
}

/// Worst errors of f in units of its last place, and of f' and f'' in epsilons (they are of order one and have zeros).
template <class Real>
void expect_accurate(Activation activation, double range) {
  networks::Architecture a = test::architecture(1, 1, {1}, activation, false, networks::TimeFeatures::none);
  networks::Network<Real> network(a, 1, "unit");
  const Real parameters[] = {1, 0, 1, 0};  // weights and bias of both layers
  std::copy_n(parameters, 4, network.parameters().begin());
  constexpr Index size = 64 * 400;
  test::Block<Real> z(size, 1), one(size, 1), zero(size, 1), f(size, 1), first(size, 1), second(size, 1);
  for (Index i = 0; i < size; ++i) {
    z(i, 0) = static_cast<Real>(range * (2.0 * static_cast<double>(i) / size - 1) *
                                (i % 3 == 0   ? 1
                                 : i % 3 == 1 ? 0.1
                                              : 1e-4));
    one(i, 0) = 1;
  }
  const auto workspace = network.workspace(size);
  std::vector<Real> gradient(4);
  network.forward_tangent(z, nullptr, one, f, first, *workspace);
  network.reverse_tangent(zero, one, gradient, second, *workspace);
  const long double epsilon = std::numeric_limits<Real>::epsilon();
  long double worst = 0, worst_first = 0, worst_second = 0;
  for (Index i = 0; i < size; ++i) {
    const Values e = exact(activation, z(i, 0));
    const long double scale = std::max<long double>(std::abs(e.value), std::numeric_limits<Real>::min() / epsilon);
    worst = std::max(worst, std::abs(f(i, 0) - e.value) / (epsilon * scale));
    worst_first = std::max(worst_first, std::abs(first(i, 0) - e.first) / epsilon);
    worst_second = std::max(worst_second, std::abs(second(i, 0) - e.second) / epsilon);
  }
  std::printf("activation %d: %.2f %.2f %.2f epsilons\n", static_cast<int>(activation), static_cast<double>(worst),
              static_cast<double>(worst_first), static_cast<double>(worst_second));
  EXPECT_LE(worst, 4);  // "a few units of the last place"
  EXPECT_LE(worst_first, 4);
  EXPECT_LE(worst_second, 8);
  EXPECT_GT(worst, 0.1);
}

TEST(Activations, AreAccurateToAFewUnitsOfTheLastPlace) {
  for (int activation = 0; activation < 5; ++activation) {
    SCOPED_TRACE(activation);
    // Left of the range the values fall below the smallest normal numbers (float: e^-87, and e^-x^2/2 for gelu).
    expect_accurate<float>(static_cast<Activation>(activation), activation == 2 ? 12 : 80);
    expect_accurate<double>(static_cast<Activation>(activation), activation == 2 ? 36 : 700);
  }
}

TEST(Activations, LimitsAndNotANumber) {
  for (int activation = 0; activation < 5; ++activation) {
    SCOPED_TRACE(activation);
    networks::Architecture a =
        test::architecture(1, 1, {1}, static_cast<Activation>(activation), false, networks::TimeFeatures::none);
    networks::Network<float> network(a, 1, "unit");
    const float parameters[] = {1, 0, 1, 0};
    std::copy_n(parameters, 4, network.parameters().begin());
    test::Block<float> z(3, 1), f(3, 1);
    z(0, 0) = 1e4f;
    z(1, 0) = -1e4f;
    z(2, 0) = std::nanf("");
    network.evaluate(z, nullptr, f, *network.workspace(3));
    const Values high = exact(static_cast<Activation>(activation), 1e4L);
    const Values low = exact(static_cast<Activation>(activation), -1e4L);
    EXPECT_NEAR(f(0, 0), high.value, 1e-6 * std::abs(high.value));
    EXPECT_NEAR(f(1, 0), low.value, 1e-6 * std::abs(low.value) + 1e-30);
    EXPECT_TRUE(std::isnan(f(2, 0)));
  }
}
}  // namespace
