/// Diffusion samplers on exact scores: their orders, their special cases, and what they refuse.
#include <gtest/gtest.h>

#include "fortet/laws/gaussian_mixture.hpp"
#include "support/ensembles.hpp"
#include "support/processes.hpp"
#include "support/world.hpp"

namespace {
using namespace fortet;
using namespace fortet::ensembles;
using test::ensemble;

processes::ProcessPtr vp() {
  return test::process("vp", {{"dimension", 1}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 8}}}});
}
laws::LawPtr bumps() {
  return test::law("gaussian_mixture", {{"weights", {0.3, 0.7}}, {"means", {-1.5, 1}}, {"deviations", {0.5, 0.7}}});
}

/// The families of linear noising, with a mean away from zero among them.
std::vector<std::pair<std::string, processes::ProcessPtr>> noisings() {
  return {{"vp", vp()},
          {"sub_vp", test::process("sub_vp", {{"dimension", 1}, {"beta", 5}})},
          {"ve", test::process("ve", {{"dimension", 1}, {"sigma_min", 0.05}, {"sigma_max", 5}})},
          {"ornstein_uhlenbeck",
           test::process("ornstein_uhlenbeck", {{"dimension", 1}, {"rate", 2}, {"sigma", 1.5}, {"mean", {0.6}}})}};
}

PointArray run(const processes::ProcessPtr& process, const laws::LawPtr& initial, std::int64_t particles,
               Json parameters) {
  return run_ensemble(ensemble(process, initial, particles, std::move(parameters)), test::world())
      .snapshots.back()
      .positions;
}

double distance(const PointArray& a, const PointArray& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += std::pow(a(i, 0) - b(i, 0), 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

struct Sampler {
  Json stepper;
  double order;
};
std::vector<Sampler> deterministic() {
  return {{"ddim", 1},
          {{{"kind", "dpm_solver"}, {"order", 1}}, 1},
          {{{"kind", "dpm_solver"}, {"order", 2}}, 2},
          {{{"kind", "dpm_solver"}, {"order", 3}}, 3},
          {"dpm_solver_plus_plus", 2},
          {"edm_heun", 2}};
}

/// Particles of the probability flow of a mixture, which is the same map for every sampler: errors particle by particle
/// against the adaptive pair, whose own error is far below.
TEST(DiffusionSamplers, OrdersOnAMixtureForEveryNoising) {
  constexpr int particles = 300;
  for (const auto& [name, noising] : noisings()) {
    const auto flow = test::reversal(noising, bumps(), 0, 0.02);
    const auto start = noising->marginal(bumps(), noising->horizon());
    const PointArray exact = run(flow, start, particles, {{"stepper", "dormand_prince"}, {"tolerance", 1e-12}});
    for (const Sampler& sampler : deterministic()) {
      std::vector<double> sizes, errors;
      for (const int steps : {40, 80, 160}) {
        sizes.push_back(1.0 / steps);
        errors.push_back(distance(
            exact,
            run(flow, start, particles, {{"stepper", sampler.stepper}, {"steps", steps}, {"schedule", "log_snr"}})));
      }
      const double order = test::observed_order({sizes[1], sizes[2]}, {errors[1], errors[2]});
      std::printf("%-20s %-42s errors %.2e %.2e %.2e order %.2f\n", name.c_str(), sampler.stepper.dump().c_str(),
                  errors[0], errors[1], errors[2], order);
      // The next term of the expansion changes the observed order by a few times its relative size, h^1.
      EXPECT_NEAR(order, sampler.order, 0.25) << name << sampler.stepper;
      EXPECT_GT(errors.back(), 1e-10) << "too close to the reference to see an order";
    }
  }
}

/// Normal data: x_s = m_s + S_s^{1/2} S_T^{-1/2} (x_T - m_T), particle by particle, in two dimensions.
TEST(DiffusionSamplers, OrdersOnANormalLawInClosedForm) {
  constexpr int particles = 200;
  const auto data = test::law("gaussian", {{"mean", {1, -2}}, {"deviation", {0.5, 1.4}}});
  const auto noising =
      test::process("vp", {{"dimension", 2}, {"beta", {{"kind", "linear"}, {"from", 0.1}, {"to", 8}}}});
  const auto flow = test::reversal(noising, data, 0, 0.05);
  const auto start = noising->marginal(data, 1);
  const laws::Moments at_end = start->moments(), at_stop = noising->marginal(data, 0.05)->moments();
  const auto error = [&](const Json& stepper, int steps) {
    const auto path =
        run_ensemble(ensemble(flow, start, particles,
                              {{"stepper", stepper}, {"steps", steps}, {"schedule", "log_snr"}, {"at", {0.0, 0.95}}}),
                     test::world());
    double sum = 0;
    for (Index i = 0; i < particles; ++i) {
      for (int k = 0; k < 2; ++k) {
        const double exact = at_stop.mean[k] + std::sqrt(at_stop.covariance(k, k) / at_end.covariance(k, k)) *
                                                   (path.snapshots[0].positions(i, k) - at_end.mean[k]);
        sum += std::pow(path.snapshots[1].positions(i, k) - exact, 2);
      }
    }
    return std::sqrt(sum / particles);
  };
  for (const Sampler& sampler : deterministic()) {
    const std::vector<double> errors{error(sampler.stepper, 40), error(sampler.stepper, 80)};
    EXPECT_NEAR(test::observed_order({2, 1}, errors), sampler.order, 0.25) << sampler.stepper;
  }
}

/// x_s of ancestral sampling of normal data with one step is a normal law with closed moments; many steps approach the
/// law with weak order 1. The mean and second moment obey a recursion that needs no particles.
TEST(DiffusionSamplers, AncestralSamplingHasWeakOrderOne) {
  const auto noising = vp();
  const auto data = test::law("gaussian", {{"mean", {1}}, {"deviation", 0.6}});
  const auto start = noising->marginal(data, 1);
  const auto reverse = test::reversal(noising, data, 1, 0.05);
  constexpr int particles = 40000;
  const laws::Moments target = noising->marginal(data, 0.05)->moments();
  const auto exact = target.covariance(0, 0) + target.mean[0] * target.mean[0];
  for (const Json& stepper : {Json("ddpm_ancestral"), Json{{"kind", "ddim"}, {"eta", 1}}}) {
    // Moments of the sampler by its own recursion: x -> A x + B + C xi is affine for normal data.
    std::vector<double> sizes, errors;
    for (const int steps : {16, 32, 64}) {
      double mean = start->moments().mean[0], variance = start->moments().covariance(0, 0);
      for (int k = 0; k < steps; ++k) {
        const double t = 1 - 0.95 * k / steps, s = 1 - 0.95 * (k + 1) / steps;
        const auto law_t = noising->marginal(data, t)->moments();
        const auto beta = [](double u) { return u * (0.1 + 0.5 * 7.9 * u); };
        const double step = beta(t) - beta(s), a = std::exp(-step / 2), v = -std::expm1(-step);
        const double sigma_t = -std::expm1(-beta(t)), sigma_s = -std::expm1(-beta(s));  // squared
        const double slope = (1 - v / law_t.covariance(0, 0)) / a;
        mean = slope * mean + v / a * law_t.mean[0] / law_t.covariance(0, 0);
        variance = slope * slope * variance + v * sigma_s / sigma_t;
      }
      const PointArray x = run(reverse, start, particles, {{"stepper", stepper}, {"steps", steps}});
      const auto second = test::estimate(particles, [&](Index i) { return x(i, 0) * x(i, 0); });
      const auto first = test::estimate(particles, [&](Index i) { return x(i, 0); });
      EXPECT_NEAR(first.mean, mean, 4 * first.deviation) << stepper << steps;
      EXPECT_NEAR(second.mean, variance + mean * mean, 4 * second.deviation) << stepper << steps;
      sizes.push_back(1.0 / steps);
      errors.push_back(std::abs(variance + mean * mean - exact));
    }
    EXPECT_NEAR(test::observed_order(sizes, errors), 1, 0.2);
  }
}

/// At the chain's own steps ancestral sampling of DDPM is x_k = (x + beta s) / sqrt(1 - beta) + sqrt(beta~) z.
TEST(DiffusionSamplers, AncestralStepIsThatOfDdpm) {
  const int steps = 20;
  const auto chain = test::process("ddpm", {{"dimension", 1}, {"steps", steps}, {"from", 0.02}, {"to", 0.3}});
  const auto reverse = test::reversal(chain, bumps(), 1);
  const auto start = chain->marginal(bumps(), 1);
  const auto path =
      run_ensemble(ensemble(reverse, start, 50,
                            {{"stepper", "ddpm_ancestral"}, {"steps", steps}, {"trajectories", {{"particles", 50}}}}),
                   test::world());
  const parallel::Stream stream(1, parallel::Purpose::increment, "particles");
  std::vector<double> beta, survival{1};
  for (int k = 0; k < steps; ++k) {
    beta.push_back(0.02 + 0.28 * k / (steps - 1));
    survival.push_back(survival.back() * (1 - beta[k]));
  }
  for (int step = 0; step < steps; ++step) {
    const int k = steps - 1 - step;  // undoes the chain's step k -> k + 1
    PointArray x(50, 1), score(50, 1), z(50, 1);
    for (Index i = 0; i < 50; ++i) x(i, 0) = path.trajectories.values[step * 50 + i];
    chain->marginal(bumps(), static_cast<double>(k + 1) / steps)->score(x, score);
    stream.normals(0, static_cast<std::uint32_t>(step), z);
    const double posterior = beta[k] * (1 - survival[k]) / (1 - survival[k + 1]);
    for (Index i = 0; i < 50; ++i) {
      const double expected =
          (x(i, 0) + beta[k] * score(i, 0)) / std::sqrt(1 - beta[k]) + std::sqrt(posterior) * z(i, 0);
      EXPECT_NEAR(path.trajectories.values[(step + 1) * 50 + i], expected, 1e-11);
    }
  }
}

/// DDIM with eta = 1 and ancestral sampling are the same step; DPM-Solver-1 and DDIM too.
TEST(DiffusionSamplers, EqualMethodsAgreeToRounding) {
  for (const auto& [name, noising] : noisings()) {
    const auto reverse = test::reversal(noising, bumps(), 1, 0.0);
    const auto start = noising->marginal(bumps(), noising->horizon());
    const Json schedule{{"kind", "karras"}};
    const auto at = [&](const Json& stepper) {
      return run(reverse, start, 100, {{"stepper", stepper}, {"steps", 12}, {"schedule", schedule}});
    };
    EXPECT_LT(distance(at("ddpm_ancestral"), at({{"kind", "ddim"}, {"eta", 1}})), 1e-11) << name;
    EXPECT_LT(distance(at("ddim"), at({{"kind", "dpm_solver"}, {"order", 1}})), 1e-11) << name;
  }
}

/// The last step to zero noise is finite and, with many steps, ends at the data.
TEST(DiffusionSamplers, ReachTimeZero) {
  const auto noising = vp();
  const auto flow = test::reversal(noising, bumps(), 0);
  const auto start = noising->marginal(bumps(), 1);
  const PointArray exact = run(flow, start, 300, {{"stepper", "dormand_prince"}, {"tolerance", 1e-10}});
  for (const Sampler& sampler : deterministic()) {
    const PointArray x =
        run(flow, start, 300,
            {{"stepper", sampler.stepper}, {"steps", 200}, {"schedule", {{"kind", "log_snr"}, {"smallest", 1e-4}}}});
    // Order 1: error 1/200 of a path of length about 2 with logarithmic steps of size log(1e2 .. 1e4) / 200 ~ 0.04.
    EXPECT_LT(distance(exact, x), sampler.order == 1 ? 0.05 : 2e-3) << sampler.stepper;
  }
}

/// Reversals that stop early: the prediction of the data of normal data has the variance Var E[X_0 | X_t].
TEST(DiffusionSamplers, DenoiseToZero) {
  const auto noising =
      test::process("ornstein_uhlenbeck", {{"dimension", 1}, {"rate", 2}, {"sigma", 1.5}, {"mean", {0.6}}});
  const auto data = test::law("gaussian", {{"mean", {-1}}, {"deviation", 0.5}});
  const auto flow = test::reversal(noising, data, 0, 0.1);
  const auto start = noising->marginal(data, 1);
  const Json parameters{{"stepper", "dormand_prince"}, {"tolerance", 1e-10}};
  Json denoised = parameters;
  denoised["denoise_to_zero"] = true;
  const PointArray x = run(flow, start, 100, parameters), y = run(flow, start, 100, denoised);
  const double alpha = std::exp(-0.2), mean = 0.6 + alpha * -1.6,
               variance = alpha * alpha * 0.25 + 2.25 * (1 - alpha * alpha) / 4;
  for (Index i = 0; i < 100; ++i) {
    EXPECT_NEAR(y(i, 0), -1 + alpha * 0.25 / variance * (x(i, 0) - mean), 1e-12);  // E[X_0 | X_t = x]
  }
  EXPECT_THROW(run(noising, data, 10, {{"steps", 2}, {"denoise_to_zero", true}}), ParameterError);
}

double second_moment_error(const PointArray& x, const laws::LawPtr& law) {
  const laws::Moments moments = law->moments();
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) sum += x(i, 0) * x(i, 0);
  return std::abs(sum / static_cast<double>(x.size()) - moments.covariance(0, 0) - moments.mean[0] * moments.mean[0]);
}

/// With few steps the error of ancestral sampling is far above the noise of the estimate; Langevin steps reduce it.
TEST(DiffusionSamplers, CorrectorImprovesThePredictor) {
  constexpr int particles = 100000;
  const auto noising = vp();
  const auto reverse = test::reversal(noising, bumps(), 1, 0.05);
  const auto start = noising->marginal(bumps(), 1), target = noising->marginal(bumps(), 0.05);
  const auto error = [&](const Json& stepper) {
    return second_moment_error(run(reverse, start, particles, {{"stepper", stepper}, {"steps", 12}}), target);
  };
  const double noise = std::sqrt(3.0 / particles) * 2;  // deviation of the mean of x^2, E x^4 below 12
  const double alone = error("ddpm_ancestral");
  const double corrected = error({{"kind", "predictor_corrector"}, {"snr", 0.25}, {"corrector_steps", 4}});
  std::printf("second moment: ancestral off by %.4f, with corrector %.4f, noise %.4f\n", alone, corrected, noise);
  EXPECT_GT(alone, 8 * noise);
  EXPECT_LT(corrected, alone - 4 * noise);
}

/// Churn raises the noise and takes it away again: the law stays, the particles differ.
TEST(DiffusionSamplers, ChurnKeepsTheLaw) {
  constexpr int particles = 50000;
  const auto noising = vp();
  const auto flow = test::reversal(noising, bumps(), 0, 0.05);
  const auto start = noising->marginal(bumps(), 1), target = noising->marginal(bumps(), 0.05);
  const Json common{{"steps", 60}, {"schedule", "log_snr"}};
  const auto with = [&](const Json& stepper) {
    Json parameters = common;
    parameters["stepper"] = stepper;
    return run(flow, start, particles, parameters);
  };
  const PointArray still = with("edm_heun"), churned = with({{"kind", "edm_heun"}, {"churn", 10}});
  EXPECT_GT(distance(still, churned), 0.3);
  const double noise = std::sqrt(12.0 / particles);
  EXPECT_LT(second_moment_error(still, target), 4 * noise);
  EXPECT_LT(second_moment_error(churned, target), 4 * noise);
  // Out of its range there is none.
  EXPECT_EQ(distance(still, with({{"kind", "edm_heun"}, {"churn", 10}, {"churn_from", 100}})), 0);
}

TEST(DiffusionSamplers, SchedulesFollowTheNoiseOfTheProcess) {
  const auto noising = test::process("ve", {{"dimension", 1}, {"sigma_min", 0.1}, {"sigma_max", 10}});
  const auto sigma = [&](double t) { return std::sqrt(0.01 * std::expm1(2 * std::log(100.0) * t)); };
  const auto times = [&](double stop, const Json& schedule) {
    const auto flow = test::reversal(noising, bumps(), 0, stop);
    return run_ensemble(
               ensemble(
                   flow, noising->marginal(bumps(), 1), 1,
                   {{"stepper", "ddim"}, {"steps", 4}, {"schedule", schedule}, {"trajectories", {{"particles", 1}}}}),
               test::world())
        .trajectories.times;
  };
  const auto stopped = times(0.2, "log_snr");
  for (int i = 0; i <= 4; ++i) {  // equal ratios from sigma(1) to sigma(0.2)
    EXPECT_NEAR(sigma(1 - stopped[i]), sigma(1) * std::pow(sigma(0.2) / sigma(1), i / 4.0), 1e-12);
  }
  const auto whole = times(0, {{"kind", "karras"}, {"rho", 3}, {"smallest", 0.1}});
  const double a = std::cbrt(sigma(1)), b = std::cbrt(sigma(0.1));
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(sigma(1 - whole[i]), std::pow(a + i / 3.0 * (b - a), 3), 1e-12);
  EXPECT_EQ(whole[4], 1);
}

TEST(DiffusionSamplers, RefuseOtherProcesses) {
  const auto process = test::process("brownian", {{"dimension", 1}});
  for (const char* stepper :
       {"ddim", "ddpm_ancestral", "dpm_solver", "dpm_solver_plus_plus", "edm_heun", "predictor_corrector"}) {
    try {
      run(process, bumps(), 1, {{"stepper", stepper}, {"steps", 1}});
      ADD_FAILURE() << stepper;
    } catch (const ParameterError& error) {
      EXPECT_EQ(std::string(error.what()),
                "stepper " + std::string(stepper) +
                    " needs the time_reversal of a linear noising process (vp, sub_vp, ve, ddpm, ornstein_uhlenbeck or "
                    "brownian)");
    }
  }
}
}  // namespace
