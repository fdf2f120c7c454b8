// Networks: every derivative against central differences, float against double, bits that do not depend on position.
#include "fortet/base/error.hpp"
#include "support/networks.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "fortet/networks/network.hpp"

namespace {
using namespace fortet;
using networks::Activation;
using networks::Architecture;
using networks::Network;
using networks::TimeFeatures;
using test::architecture;
using Block = test::Block<double>;

/// Central difference of f at step h and the bound of its error: h^2/6 |f'''| (estimated by the difference at 2 h,
/// whose truncation is four times as large) and rounding of the two values of f, of size `size`.
struct Difference {
  double value, bound;
};
template <class Function>
Difference difference(Function&& f, double size) {
  constexpr double h = 1e-4;
  const double fine = (f(h) - f(-h)) / (2 * h), coarse = (f(2 * h) - f(-2 * h)) / (4 * h);
  return {fine, std::abs(coarse - fine) + 400 * 2.2e-16 * size / h};
}

constexpr Index samples = 70;  // more than a tile
constexpr int inputs = 3;

struct Case {
  explicit Case(const Architecture& a)
      : network(a, 11, "test"),
        x(Block::random(samples, a.inputs, 1)),
        direction(Block::random(samples, a.inputs, 2)),
        weight(Block::random(samples, a.outputs, 3)),
        dot_weight(Block::random(samples, a.outputs, 4)),
        t(samples),
        workspace(network.workspace(samples)) {
    for (Index i = 0; i < samples; ++i) t[i] = 0.01 * static_cast<double>(i);
  }
  /// sum weight . F
  double loss() {
    Block out(samples, network.architecture().outputs);
    network.forward(x, t.data(), out, *workspace);
    double sum = 0;
    for (int k = 0; k < out.batch.features; ++k) {
      for (Index i = 0; i < samples; ++i) sum += weight(i, k) * out(i, k);
    }
    return sum;
  }
  /// sum weight . F + dot_weight . F_dot
  double tangent_loss() {
    Block out(samples, network.architecture().outputs), dot(samples, network.architecture().outputs);
    network.forward_tangent(x, t.data(), direction, out, dot, *workspace);
    double sum = 0;
    for (int k = 0; k < out.batch.features; ++k) {
      for (Index i = 0; i < samples; ++i) sum += weight(i, k) * out(i, k) + dot_weight(i, k) * dot(i, k);
    }
    return sum;
  }
  Network<double> network;
  Block x, direction, weight, dot_weight;
  std::vector<double> t;
  decltype(network.workspace(1)) workspace;
};

/// Compares a gradient by parameters and by x with differences of `loss`. Every third parameter, and x of some samples.
template <class Loss>
void expect_gradient(Case& c, Loss&& loss, const std::vector<double>& gradient, const Block& x_bar) {
  const auto parameters = c.network.parameters();
  const double size = 10 * samples;
  for (std::size_t i = 0; i < parameters.size(); i += 1 + parameters.size() / 300) {
    const double kept = parameters[i];
    const Difference d = difference(
        [&](double h) {
          parameters[i] = kept + h;
          return loss();
        },
        size);
    parameters[i] = kept;
    EXPECT_NEAR(gradient[i], d.value, d.bound) << "parameter " << i;
  }
  for (Index i = 0; i < samples; i += 23) {
    for (int k = 0; k < c.x.batch.features; ++k) {
      const double kept = c.x(i, k);
      const Difference d = difference(
          [&](double h) {
            c.x(i, k) = kept + h;
            return loss();
          },
          size);
      c.x(i, k) = kept;
      EXPECT_NEAR(x_bar(i, k), d.value, d.bound) << "x " << i << " " << k;
    }
  }
}

TEST(Networks, GradientsAgreeWithDifferences) {
  for (const Architecture& a : test::all_architectures(inputs, 2)) {
    SCOPED_TRACE(static_cast<int>(a.activation));
    Case c(a);
    c.loss();
    std::vector<double> gradient(c.network.parameters().size());
    Block x_bar(samples, inputs);
    c.network.reverse(c.weight, gradient, x_bar, *c.workspace);
    expect_gradient(
        c, [&] { return c.loss(); }, gradient, x_bar);
  }
}

TEST(Networks, GradientsAccumulateAndSegmentsCoverThemFromTheLastLayer) {
  Case c(architecture(inputs, 2, {20, 33}, Activation::silu));
  c.loss();
  const std::size_t count = c.network.parameters().size();
  std::vector<double> once(count), twice(count), seen(count);
  std::vector<std::size_t> order;
  c.network.reverse(c.weight, once, {}, *c.workspace, [&](std::size_t k) {
    order.push_back(k);
    const auto [begin, size] = c.network.segments()[k];
    std::copy_n(once.begin() + begin, size, seen.begin() + begin);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(seen, once);
  EXPECT_EQ(c.network.segments().front().begin + c.network.segments().front().size, static_cast<Index>(count));
  for (int repeat = 0; repeat < 2; ++repeat) c.network.reverse(c.weight, twice, {}, *c.workspace);
  for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(twice[i], 2 * once[i], 1e-13 * samples);
}

TEST(Networks, DirectionalDerivativesAgreeWithDifferences) {
  for (const Architecture& a : test::all_architectures(inputs, 2)) {
    SCOPED_TRACE(static_cast<int>(a.activation));
    Case c(a);
    Block out(samples, 2), dot(samples, 2), plain(samples, 2);
    c.network.forward_tangent(c.x, c.t.data(), c.direction, out, dot, *c.workspace);
    c.network.evaluate(c.x, c.t.data(), plain, *c.workspace);
    EXPECT_EQ(out.values, plain.values);
    const Block start = Block::random(samples, inputs, 1);
    for (Index i = 0; i < samples; i += 7) {
      for (int k = 0; k < 2; ++k) {
        const Difference d = difference(
            [&](double h) {
              for (int m = 0; m < inputs; ++m) c.x(i, m) = start(i, m) + h * c.direction(i, m);
              Block f(samples, 2);
              c.network.evaluate(c.x, c.t.data(), f, *c.workspace);
              return f(i, k);
            },
            1);
        EXPECT_NEAR(dot(i, k), d.value, d.bound);
      }
    }
  }
}

TEST(Networks, ReverseOverForwardAgreesWithDifferences) {
  for (const Architecture& a : test::all_architectures(inputs, 2)) {
    SCOPED_TRACE(static_cast<int>(a.activation));
    Case c(a);
    c.tangent_loss();
    std::vector<double> gradient(c.network.parameters().size());
    Block x_bar(samples, inputs);
    c.network.reverse_tangent(c.weight, c.dot_weight, gradient, x_bar, *c.workspace);
    // SELU's slope jumps at zero: a tangent is not differentiable there, so its x are kept but parameters must be free
    // of samples near the kink; the bound of difference() sees it otherwise.
    expect_gradient(
        c, [&] { return c.tangent_loss(); }, gradient, x_bar);
  }
}

TEST(Networks, DivergenceIsTheTraceOfTheJacobian) {
  for (const Architecture& a : test::all_architectures(inputs, inputs)) {
    SCOPED_TRACE(static_cast<int>(a.activation));
    Case c(a);
    Block out(samples, inputs), plain(samples, inputs), dot(samples, inputs), unit(samples, inputs);
    std::vector<double> divergence(samples), trace(samples);
    c.network.divergence(c.x, c.t.data(), out, divergence.data(), *c.workspace);
    for (int k = 0; k < inputs; ++k) {
      std::fill(unit.values.begin(), unit.values.end(), 0.0);
      std::fill_n(unit.batch.feature(k), samples, 1.0);
      c.network.forward_tangent(c.x, c.t.data(), unit, plain, dot, *c.workspace);
      for (Index i = 0; i < samples; ++i) trace[i] += dot(i, k);
    }
    EXPECT_EQ(out.values, plain.values);
    for (Index i = 0; i < samples; ++i) EXPECT_NEAR(divergence[i], trace[i], 1e-13);
  }
}

/// E[e . J e] = tr J for e with unit covariance (Hutchinson 1989). With signs the variance is the sum over i < k of
/// (J_ik + J_ki)^2, so that a diagonal J has none.
TEST(Networks, HutchinsonsEstimateIsUnbiased) {
  std::mt19937 generator(5);
  const auto sign = [&] { return generator() & 1 ? 1.0 : -1.0; };
  {
    Case c(architecture(inputs, inputs, {}, Activation::silu, false, TimeFeatures::none));
    const auto parameters = c.network.parameters();
    for (int i = 0; i < inputs; ++i) {
      for (int k = 0; k < inputs; ++k) parameters[i + k * inputs] = i == k ? 1.5 + i : 0;
    }
    Block probe(samples, inputs), out(samples, inputs);
    for (double& value : probe.values) value = sign();
    std::vector<double> divergence(samples);
    c.network.divergence_estimate(c.x, nullptr, probe, out, divergence.data(), *c.workspace);
    for (Index i = 0; i < samples; ++i) EXPECT_EQ(divergence[i], 1.5 + 2.5 + 3.5);
  }
  Case c(architecture(inputs, inputs, {20, 20}, Activation::tanh));
  Block out(samples, inputs), probe(samples, inputs);
  std::vector<double> exact(samples), estimate(samples);
  c.network.divergence(c.x, c.t.data(), out, exact.data(), *c.workspace);
  double sum = 0, squares = 0;
  constexpr int repeats = 500;
  for (int r = 0; r < repeats; ++r) {
    for (double& value : probe.values) value = sign();
    c.network.divergence_estimate(c.x, c.t.data(), probe, out, estimate.data(), *c.workspace);
    for (Index i = 0; i < samples; ++i) {
      const double error = estimate[i] - exact[i];
      sum += error;
      squares += error * error;
    }
  }
  EXPECT_GT(squares, 0);
  EXPECT_LE(std::abs(sum), 4 * std::sqrt(squares));
}

TEST(Networks, FloatAgreesWithDoubleToRounding) {
  for (const Architecture& a : test::all_architectures(inputs, inputs)) {
    SCOPED_TRACE(static_cast<int>(a.activation));
    Network<double> in_double(a, 3, "same");
    Network<float> in_float(a, 3, "same");
    const auto x = test::Block<float>::random(samples, inputs, 9);
    Block wide(samples, inputs);
    std::copy(x.values.begin(), x.values.end(), wide.values.begin());
    for (std::size_t i = 0; i < in_float.parameters().size(); ++i) {
      EXPECT_EQ(in_float.parameters()[i], static_cast<float>(in_double.parameters()[i]));
      in_double.parameters()[i] = in_float.parameters()[i];
    }
    const std::vector<float> t(samples, 0.375f);
    const std::vector<double> t_wide(samples, 0.375);
    test::Block<float> out(samples, inputs);
    Block out_wide(samples, inputs);
    std::vector<float> divergence(samples);
    std::vector<double> divergence_wide(samples);
    const auto workspace = in_float.workspace(samples);
    const auto workspace_wide = in_double.workspace(samples);
    in_float.divergence(x, t.data(), out, divergence.data(), *workspace);
    in_double.divergence(wide, t_wide.data(), out_wide, divergence_wide.data(), *workspace_wide);
    // Sums of up to 71 terms, of a few layers: error of a random walk of roundings of numbers of order one.
    const double bound = 6e-8 * std::sqrt(71.0) * 4 * 4;
    for (int k = 0; k < inputs; ++k) {
      for (Index i = 0; i < samples; ++i) EXPECT_NEAR(out(i, k), out_wide(i, k), bound);
    }
    for (Index i = 0; i < samples; ++i) EXPECT_NEAR(divergence[i], divergence_wide[i], bound * inputs);
  }
}

template <class Real>
void expect_same_bits_anywhere() {
  for (const Architecture& a : test::all_architectures(inputs, 2)) {
    const Network<Real> network(a, 5, "bits");
    constexpr Index size = 513;
    const auto x = test::Block<Real>::random(size, inputs, 21);
    std::vector<Real> t(size);
    for (Index i = 0; i < size; ++i) t[i] = static_cast<Real>(i % 5) * Real(0.2);
    test::Block<Real> whole(size, 2);
    const auto workspace = network.workspace(0);
    network.evaluate(x, t.data(), whole, *workspace);
    for (const Index count : {1, 2, 15, 16, 17, 33, 64, 65}) {
      for (const Index begin : {0, 1, 100, 448}) {
        test::Block<Real> part(count, 2);
        const networks::Batch<const Real> view = x;
        network.evaluate(view.slice(begin, count), t.data() + begin, part, *workspace);
        for (int k = 0; k < 2; ++k) {
          for (Index i = 0; i < count; ++i) EXPECT_EQ(part(i, k), whole(begin + i, k));
        }
      }
    }
    test::Block<Real> none(0, 2);
    network.evaluate(test::Block<Real>(0, inputs), t.data(), none, *workspace);
  }
}
TEST(Networks, AValueDoesNotDependOnWhereItsSampleStands) {
  expect_same_bits_anywhere<float>();
  expect_same_bits_anywhere<double>();
}

TEST(Networks, OddSizesGiveTheGradientOfTheirSamplesAlone) {
  const Network<float> network(architecture(inputs, 2, {20, 20}, Activation::silu, true), 1, "odd");
  const auto x = test::Block<float>::random(513, inputs, 2);
  const auto weight = test::Block<float>::random(513, 2, 3);
  const std::vector<float> t(513, 0.5f);
  const auto workspace = network.workspace(513);
  const auto gradient_of = [&](Index begin, Index count) {
    std::vector<float> gradient(network.parameters().size());
    test::Block<float> out(count, 2);
    const networks::Batch<const float> points = x, weights = weight;
    network.forward(points.slice(begin, count), t.data() + begin, out, *workspace);
    network.reverse(weights.slice(begin, count), gradient, {}, *workspace);
    return gradient;
  };
  for (const float value : gradient_of(0, 0)) EXPECT_EQ(value, 0);
  const auto whole = gradient_of(0, 513), most = gradient_of(0, 512), last = gradient_of(512, 1);
  EXPECT_NE(last, std::vector<float>(last.size()));
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], most[i] + last[i], 6e-8 * 513 * 0.5);
}

TEST(Networks, InitialWeightsAreUniformAsPyTorchsLinear) {
  Network<double> network(architecture(3, 2, {64, 64}, Activation::selu), 7, "weights");
  const auto p = network.parameters();
  ASSERT_EQ(p.size(), 64u * 5 + 64 * 65 + 2 * 65);
  const double bound = 1 / std::sqrt(64.0);
  double squares = 0, largest = 0;
  for (std::size_t i = 64 * 5; i < 64 * 5 + 64 * 65; ++i) {
    squares += p[i] * p[i];
    largest = std::max(largest, std::abs(p[i]));
  }
  EXPECT_LT(largest, bound);
  EXPECT_GT(largest, 0.998 * bound);
  // Variance bound^2 / 3; that of x^2 is 4 bound^4 / 45.
  const double count = 64 * 65;
  EXPECT_NEAR(squares / count / (bound * bound), 1.0 / 3, 4 * std::sqrt(4.0 / 45 / count));
  EXPECT_NE(Network<double>(network.architecture(), 7, "other").parameters()[0], p[0]);
  EXPECT_NE(Network<double>(network.architecture(), 8, "weights").parameters()[0], p[0]);
}

TEST(Networks, ArchitecturesOfDecks) {
  const Architecture bare = networks::make_architecture(Parameters::make("networks", "mlp", Json::object()), 2, 2);
  EXPECT_EQ(bare.hidden, (std::vector<int>{64, 64, 64}));
  EXPECT_EQ(bare.activation, Activation::selu);
  EXPECT_EQ(bare.time, TimeFeatures::raw);
  const Architecture residual = networks::make_architecture(
      Parameters::make("networks", "residual_mlp", {{"width", 32}, {"blocks", 2}, {"time", "sinusoidal"}}), 2, 1);
  EXPECT_EQ(residual.hidden, (std::vector<int>{32, 32, 32}));
  EXPECT_TRUE(residual.residual);
  EXPECT_EQ(residual.time_scale, 1000);
  EXPECT_THROW(networks::make_architecture(Parameters::make("networks", "mlp", {{"time_features", 7}}), 2, 2),
               ParameterError);
  EXPECT_THROW(networks::make_architecture(Parameters::make("networks", "mlp", {{"hidden", {64, 0}}}), 2, 2),
               ParameterError);
}
}  // namespace
