// Optimisers against steps computed by hand, rate schedules, clipping, averages, and a training step that allocates
// nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include "fortet/networks/network.hpp"
#include "fortet/networks/optimizer.hpp"
#include "support/networks.hpp"

namespace {
std::atomic<long> allocations{0};
void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
// Not inlined, or GCC takes what they free for memory of its own operator new.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {
using namespace fortet;
using Numbers = std::vector<double>;

template <class Real = double>
std::unique_ptr<networks::Optimizer<Real>> optimizer(const std::string& kind, Json parameters, Index count) {
  return networks::make_optimizer<Real>(Parameters::make("optimizers", kind, std::move(parameters)), count);
}

TEST(Optimizers, SgdWithMomentumAndWeightDecay) {
  // g = 1, 2 at rate 0.1 from x = 1: plain 0.9, 0.7.
  Numbers x{1};
  auto plain = optimizer("sgd", Json::object(), 1);
  plain->step(x, Numbers{1}, 0.1);
  EXPECT_NEAR(x[0], 0.9, 1e-15);
  plain->step(x, Numbers{2}, 0.1);
  EXPECT_NEAR(x[0], 0.7, 1e-15);
  EXPECT_EQ(plain->steps(), 2);
  // Momentum 0.5: v = 1, x = 0.9; v = 2.5, x = 0.65. Decay 0.2: g + 0.2 x.
  x = {1};
  auto heavy = optimizer("sgd", {{"momentum", 0.5}}, 1);
  heavy->step(x, Numbers{1}, 0.1);
  heavy->step(x, Numbers{2}, 0.1);
  EXPECT_NEAR(x[0], 0.65, 1e-15);
  EXPECT_NEAR(heavy->state()[0].second[0], 2.5, 1e-15);
  x = {1};
  auto decayed = optimizer("sgd", {{"momentum", 0.5}, {"weight_decay", 0.2}}, 1);
  decayed->step(x, Numbers{1}, 0.1);  // v = 1.2, x = 0.88
  decayed->step(x, Numbers{2}, 0.1);  // v = 0.6 + 2.176 = 2.776, x = 0.6024
  EXPECT_NEAR(x[0], 0.6024, 1e-15);
}

TEST(Optimizers, AdamAndAdamW) {
  // beta 0.5, 0.75, epsilon 0.1, g = 1 then -2, rate 0.1, x = 1.
  // Step 1: m^ = 1, v^ = 1. Step 2: m = 0.25 - 1 = -0.75, m^ = -1; v = 0.1875 + 1 = 1.1875, v^ = 1.1875 / 0.4375.
  const Json parameters{{"beta_1", 0.5}, {"beta_2", 0.75}, {"epsilon", 0.1}, {"weight_decay", 0.0}};
  const double first = 1 - 0.1 / 1.1, second = first + 0.1 / (std::sqrt(1.1875 / 0.4375) + 0.1);
  for (const std::string kind : {"adam", "adamw"}) {
    Numbers x{1};
    const auto adam = optimizer(kind, parameters, 1);
    adam->step(x, Numbers{1}, 0.1);
    EXPECT_NEAR(x[0], first, 1e-15);
    adam->step(x, Numbers{-2}, 0.1);
    EXPECT_NEAR(x[0], second, 1e-15);
    EXPECT_EQ(adam->steps(), 2);
  }
  Json decay = parameters;
  decay["weight_decay"] = 0.5;
  Numbers x{1};
  optimizer("adamw", decay, 1)->step(x, Numbers{1}, 0.1);  // 1 - 0.05, then Adam's step
  EXPECT_NEAR(x[0], 0.95 - 0.1 / 1.1, 1e-15);
  x = {1};
  optimizer("adam", decay, 1)->step(x, Numbers{1}, 0.1);  // g = 1.5: m^ = 1.5, v^ = 2.25
  EXPECT_NEAR(x[0], 1 - 0.1 * 1.5 / 1.6, 1e-15);
}

TEST(Optimizers, ContinueFromTheirSavedState) {
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    const Json parameters = kind == "sgd" ? Json{{"momentum", 0.9}} : Json::object();
    constexpr std::size_t count = 37;
    std::vector<float> x(count, 1.0f), gradient(count);
    for (std::size_t i = 0; i < count; ++i) gradient[i] = std::sin(static_cast<float>(i));
    auto first = optimizer<float>(kind, parameters, count), second = optimizer<float>(kind, parameters, count);
    for (int step = 0; step < 3; ++step) first->step(x, gradient, 1e-2);
    std::vector<float> y = x;
    second->steps() = first->steps();
    auto from = first->state(), to = second->state();
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      EXPECT_EQ(from[i].first, to[i].first);
      std::copy(from[i].second.begin(), from[i].second.end(), to[i].second.begin());
    }
    first->step(x, gradient, 1e-2);
    second->step(y, gradient, 1e-2);
    EXPECT_EQ(x, y);
  }
}

TEST(RateSchedules, WarmUpAndCosine) {
  const auto schedule = [](const std::string& kind, Json parameters) {
    return networks::make_rate_schedule(Parameters::make("rate_schedules", kind, std::move(parameters)));
  };
  const auto constant = schedule("constant", {{"warm_up", 4}});
  EXPECT_EQ(constant(0, 100), 0.25);
  EXPECT_EQ(constant(3, 100), 1);
  EXPECT_EQ(constant(99, 100), 1);
  EXPECT_EQ(schedule("constant", Json::object())(0, 100), 1);
  const auto cosine = schedule("cosine", {{"warm_up", 20}, {"final", 0.1}});
  EXPECT_EQ(cosine(9, 100), 0.5);
  EXPECT_EQ(cosine(20, 100), 1);
  EXPECT_NEAR(cosine(60, 100), 0.55, 1e-15);
  EXPECT_NEAR(cosine(100, 100), 0.1, 1e-15);
  EXPECT_NEAR(cosine(1000, 100), 0.1, 1e-15);
}

TEST(Optimizers, ClippingAndAverages) {
  std::vector<float> gradient(1001, 0.0f);
  gradient[3] = 3;
  gradient[1000] = -4;
  EXPECT_EQ(networks::clip<float>(gradient, 6), 5);
  EXPECT_EQ(gradient[3], 3);
  EXPECT_EQ(networks::clip<float>(gradient, 1), 5);
  EXPECT_NEAR(gradient[3], 0.6, 1e-7);
  EXPECT_NEAR(gradient[1000], -0.8, 1e-7);
  Numbers average{1, std::nan("")};
  networks::exponential_average<double>(std::span(average).first(1), Numbers{3}, 0.75);
  EXPECT_EQ(average[0], 1.5);
  networks::exponential_average<double>(average, Numbers{7, 8}, 0);
  EXPECT_EQ(average, (Numbers{7, 8}));
}

TEST(Optimizers, ATrainingStepAllocatesNothing) {
  for (const networks::Architecture& a : test::all_architectures(3, 3)) {
    networks::Network<float> network(a, 1, "quiet");
    constexpr Index samples = 130;
    const auto x = test::Block<float>::random(samples, 3, 1);
    test::Block<float> out(samples, 3), dot(samples, 3);
    std::vector<float> t(samples, 0.5f), gradient(network.parameters().size()), average(gradient), sums(samples);
    const auto workspace = network.workspace(samples);
    const auto adam = optimizer<float>("adamw", Json::object(), static_cast<Index>(gradient.size()));
    long calls = 0;
    const std::function<void(std::size_t)> finished = [&](std::size_t) { ++calls; };
    const long before = allocations;
    network.forward(x, t.data(), out, *workspace);
    network.reverse(out, gradient, dot, *workspace, finished);
    network.forward_tangent(x, t.data(), x, out, dot, *workspace);
    network.reverse_tangent(out, dot, gradient, {}, *workspace);
    network.divergence(x, t.data(), out, sums.data(), *workspace);
    network.divergence_estimate(x, t.data(), x, out, sums.data(), *workspace);
    network.evaluate(x, t.data(), out, *workspace);
    networks::clip<float>(gradient, 1);
    adam->step(network.parameters(), gradient, 1e-3);
    networks::exponential_average<float>(average, network.parameters(), 0.99);
    EXPECT_EQ(allocations - before, 0);
    EXPECT_EQ(calls, static_cast<long>(network.segments().size()));
  }
  const long before = allocations;
  EXPECT_EQ(std::vector<int>(1, 7)[0], 7);
  EXPECT_GT(allocations, before);  // the counter itself works
}
}  // namespace
