// Objectives against their exact minimisers. The networks are linear, so that the minimiser over the network is known:
// between normal laws all fields at one time are linear.
#include "support/training.hpp"

#include <gtest/gtest.h>

#include "support/ensembles.hpp"

namespace {
using namespace fortet;

constexpr int points = 65536;

/// Full batches of a finite set of training points: the minimiser of the empirical loss is reached, and differs from
/// that of the law by the sampling error of second moments, sqrt(2 / points) relative to their size.
Json linear(Json values) {
  values["network"] = {{"kind", "mlp"}, {"hidden", Json::array()}, {"time", "none"}, {"precision", "double"}};
  values["batch"] = points;
  values["training_points"] = points;
  values["steps"] = 400;
  values["optimizer"] = {{"kind", "adam"}, {"rate", 0.1}};
  values["rate_schedule"] = {{"kind", "cosine"}};
  return values;
}
const double noise = std::sqrt(2.0 / points);  // relative standard deviation of an empirical variance

/// Slope and value at `centre` of a field on the line.
std::pair<double, double> line(const processes::Field& field, double t, double centre) {
  PointArray x(2, 1), out(2, 1);
  x(0, 0) = centre;
  x(1, 0) = centre + 1;
  field.evaluate(t, x, out);
  PointArray divergence(2, 1);
  field.divergence(t, x, divergence.view().coordinate(0));
  EXPECT_NEAR(divergence(0, 0), out(1, 0) - out(0, 0), 1e-10 * (1 + std::abs(divergence(0, 0))));
  return {out(1, 0) - out(0, 0), out(0, 0)};
}

laws::LawPtr normal(double mean, double deviation) {
  return test::law("gaussian", {{"mean", {mean}}, {"deviation", deviation}});
}

TEST(ImplicitScoreMatching, NormalLaw) {
  for (const char* kind : {"implicit_score_matching", "sliced_score_matching"}) {
    const auto model = test::model(kind, linear({{"data", "data"}}), {{"data", normal(0.5, 0.8)}});
    test::train(*model);
    const auto [slope, value] = line(*model->score(), 0, 0.5);
    EXPECT_NEAR(slope, -1 / 0.64, 5 * noise / 0.64) << kind;
    EXPECT_NEAR(value, 0, 5 / std::sqrt(points) / 0.8) << kind;
  }
}

TEST(DenoisingScoreMatching, EveryPredictionGivesTheScore) {
  // X_t ~ N(0.5 alpha, (0.8 alpha)^2 + sigma^2) at t = 1; times from 0.9999 to 1 change that by less than 1e-4.
  const auto process = test::process("vp", {{"dimension", 1}, {"beta", {{"kind", "constant"}, {"value", 1.0}}}});
  const double alpha = std::exp(-0.5), variance = 0.64 * alpha * alpha + 1 - alpha * alpha;
  const std::vector<std::pair<const char*, bool>> cases{{"noise", false}, {"data", false},  {"data", true},
                                                        {"score", true},  {"score", false}, {"velocity", false}};
  for (const auto& [predict, standardise] : cases) {
    const auto model = test::model("denoising_score_matching",
                                   linear({{"data", "data"},
                                           {"process", "vp"},
                                           {"predict", predict},
                                           {"standardise", standardise},
                                           {"smallest_time", 0.9999}}),
                                   {{"data", normal(0.5, 0.8)}}, {{"vp", process}});
    test::train(*model);
    const auto [slope, value] = line(*model->score(), 1, 0.5 * alpha);
    // The target -z/sigma has variance 1/sigma^2, that of x_t is `variance`: regression error of a slope and of a mean.
    const double deviation = 1 / std::sqrt((1 - alpha * alpha) * points);
    EXPECT_NEAR(slope, -1 / variance, 5 * deviation / std::sqrt(variance) + 2e-4) << predict;
    EXPECT_NEAR(value, 0, 5 * deviation + 2e-4) << predict;
  }
}

TEST(FlowMatching, IndependentNormalLaws) {
  // x_t = (1-t) x0 + t x1 + sigma sqrt(t(1-t)) z at t = 1/2; the window of times [0.49, 0.51] changes moments by
  // O(1e-4).
  const double s0 = 0.7, s1 = 1.2, sigma = 0.5, gamma = sigma / 2;
  const auto model = test::model("sf2m",
                                 linear({{"source", "source"},
                                         {"target", "target"},
                                         {"coupling", {{"kind", "independent"}}},
                                         {"sigma", sigma},
                                         {"margin", 0.49}}),
                                 {{"source", normal(-1, s0)}, {"target", normal(2, s1)}});
  test::train(*model);
  const double variance = (s0 * s0 + s1 * s1) / 4 + gamma * gamma;
  const double slope = (s1 * s1 - s0 * s0) / 2 / variance;  // cov(x1 - x0, x_t) / var(x_t)
  const double target_deviation = std::sqrt(s0 * s0 + s1 * s1), error = 5 / std::sqrt(points);
  const auto [velocity_slope, velocity] = line(*model->velocity(), 0.5, 0.5);
  EXPECT_NEAR(velocity_slope, slope, error * target_deviation / std::sqrt(variance) + 5e-4);
  EXPECT_NEAR(velocity, 3, error * target_deviation + 5e-4);
  const auto [score_slope, score] = line(*model->score(), 0.5, 0.5);
  EXPECT_NEAR(score_slope, -1 / variance, error / gamma / std::sqrt(variance) + 5e-3);
  EXPECT_NEAR(score, 0, error / gamma + 5e-3);
}

/// A short training between clouds of this size about this centre, in double precision.
training::ModelPtr between_clouds(const std::string& kind, double size, double shift, bool standardise,
                                  Json values = Json::object()) {
  values.update(
      {{"source", "source"},
       {"target", "target"},
       {"sigma", 0.1 * size},
       {"standardise", standardise},
       {"steps", 100},
       {"batch", 64},
       {"network", {{"kind", "mlp"}, {"hidden", {16, 16}}, {"activation", "silu"}, {"precision", "double"}}}});
  const auto at = [&](double x, double y) { return Json{shift + size * x, shift + size * y}; };
  const auto source = test::law("gaussian", {{"mean", {0, 0}}, {"deviation", size}});
  const auto target = test::law(
      "gaussian_mixture",
      {{"weights", {0.4, 0.6}}, {"means", {at(-1, 0.5), at(2, 1)}}, {"deviations", {0.3 * size, 0.2 * size}}});
  auto model = test::model(kind, values, {{"source", source}, {"target", target}});
  test::train(*model);
  return model;
}

TEST(Standardise, UnitsAndOriginDoNotMatter) {
  // In standard units the trainings are the same up to the rounding of (x - centre) / deviation, 2e-16 for other units
  // and 1e4 times that for a shift by 1e4; a hundred steps of Adam may magnify it by some orders.
  constexpr int d = 2;
  PointArray x(50, d), there(50, d), expected(50, d), found(50, d);
  for (Index i = 0; i < x.size(); ++i) {
    for (int k = 0; k < d; ++k) x(i, k) = std::sin(1.7 * static_cast<double>(i) + k) * 2;
  }
  std::vector<double> divergence(50), scaled_divergence(50);
  for (const char* kind : {"ot_cfm", "sf2m"}) {
    const Json independent{{"coupling", "independent"}};  // others may have tolerances in units of their own
    const auto plain = between_clouds(kind, 1, 0, true, independent);
    for (const double t : {0.1, 0.5, 0.9}) {
      plain->velocity()->evaluate(t, x, expected);
      plain->velocity()->divergence(t, x, divergence.data());
      for (const double size : {1e-6, 1e6}) {
        const auto scaled = between_clouds(kind, size, 0, true, independent);
        for (Index i = 0; i < x.size(); ++i) {
          for (int k = 0; k < d; ++k) there(i, k) = size * x(i, k);
        }
        scaled->velocity()->evaluate(t, there, found);
        scaled->velocity()->divergence(t, there, scaled_divergence.data());
        for (Index i = 0; i < x.size(); ++i) {
          for (int k = 0; k < d; ++k) EXPECT_NEAR(found(i, k) / size, expected(i, k), 1e-9) << kind << " " << size;
          EXPECT_NEAR(scaled_divergence[i], divergence[i], 1e-9) << kind << " " << size;
        }
      }
    }
  }
  // A target moved by 1e4 moves x_t by 1e4 t and the velocity by 1e4.
  const auto plain = between_clouds("conditional_flow_matching", 1, 0, true),
             moved = between_clouds("conditional_flow_matching", 1, 1e4, true);
  for (const double t : {0.1, 0.5, 0.9}) {
    for (Index i = 0; i < x.size(); ++i) {
      for (int k = 0; k < d; ++k) there(i, k) = x(i, k) + 1e4 * t;
    }
    plain->velocity()->evaluate(t, x, expected);
    moved->velocity()->evaluate(t, there, found);
    for (Index i = 0; i < x.size(); ++i) {
      for (int k = 0; k < d; ++k) EXPECT_NEAR(found(i, k) - 1e4, expected(i, k), 1e-6) << t;
    }
  }
}

TEST(Standardise, DivergenceIsThatOfTheField) {
  Json values{{"source", "source"},
              {"target", "target"},
              {"standardise", true},
              {"steps", 50},
              {"batch", 64},
              {"network", {{"kind", "mlp"}, {"hidden", {16}}, {"activation", "silu"}, {"precision", "double"}}}};
  const auto model = test::model("conditional_flow_matching", values,
                                 {{"source", test::law("gaussian", {{"dimension", 2}})},
                                  {"target", test::law("gaussian", {{"mean", {3, -200}}, {"deviation", {0.01, 50}}})}});
  test::train(*model);
  // Central differences of step h: errors of h^2 and of rounding / h, relative to derivatives of order one.
  const double h = 1e-5;
  PointArray x(1, 2), up(1, 2), down(1, 2);
  double divergence = 0, sum = 0;
  x(0, 0) = 1.4, x(0, 1) = -90;
  model->velocity()->divergence(0.5, x, &divergence);
  for (int k = 0; k < 2; ++k) {
    const double centre = x(0, k);
    x(0, k) = centre + h;
    model->velocity()->evaluate(0.5, x, up);
    x(0, k) = centre - h;
    model->velocity()->evaluate(0.5, x, down);
    x(0, k) = centre;
    sum += (up(0, k) - down(0, k)) / (2 * h);
  }
  EXPECT_NEAR(divergence, sum, 1e-7 * (1 + std::abs(sum)));
}

bool says(const training::Model& model, const std::string& words) {
  const std::vector<std::string> notes = model.notes();
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(words) != std::string::npos; });
}

TEST(TrainingNotes, WhatWasLearnedAndInWhichUnits) {
  const auto fine = between_clouds("conditional_flow_matching", 1, 0, false);
  EXPECT_TRUE(fine->notes().empty()) << fine->notes().front();
  EXPECT_TRUE(says(*between_clouds("conditional_flow_matching", 1e-3, 0, false), "set standardise: true"));
  EXPECT_TRUE(says(*between_clouds("conditional_flow_matching", 1e6, 0, false), "set standardise: true"));
  const auto far = between_clouds("conditional_flow_matching", 1, 1e4, false);
  EXPECT_TRUE(says(*far, "set standardise: true"));
  EXPECT_TRUE(says(*far, "nothing was learned"));
  EXPECT_TRUE(between_clouds("conditional_flow_matching", 1e6, 0, true)->notes().empty());

  Json values{{"source", "source"},
              {"target", "target"},
              {"steps", 100},
              {"batch", 64},
              {"validation_points", 64},
              {"validate_every", 10},
              {"patience", 2},
              {"optimizer", {{"kind", "adam"}, {"rate", 1e-30}}}};
  const auto stopped =
      test::model("conditional_flow_matching", values, {{"source", normal(0, 1)}, {"target", normal(1, 1)}});
  test::train(*stopped);
  EXPECT_TRUE(says(*stopped, "stopped early, after step 30 of 100; the weights of step 10 are kept"))
      << stopped->notes().front();
}

TEST(Hutchinson, LearnedFlowsHaveUnbiasedLogDensities) {
  for (const bool standardise : {false, true}) {
    const auto model = between_clouds("conditional_flow_matching", 1, 0, standardise);
    processes::ProcessContext context;
    context.velocity = [&](const std::string&) { return model->velocity(); };
    const auto flow = test::process("flow", {{"dimension", 2}, {"velocity", {{"model", "model"}}}}, context);
    constexpr Index particles = 2000;
    const auto log_density = [&](const Json& divergence) {
      const auto path = ensembles::run_ensemble(
          test::ensemble(flow, test::law("gaussian", {{"dimension", 2}}), particles,
                         {{"stepper", "rk4"}, {"steps", 8}, {"log_density", true}, {"divergence", divergence}}),
          parallel::Communicator(MPI_COMM_SELF));
      return path.snapshots.front().log_density;
    };
    const std::vector<double> exact = log_density("exact");
    double one = 0;
    for (const int probes : {1, 16}) {
      const std::vector<double> estimated = log_density({{"kind", "hutchinson"}, {"probes", probes}});
      double sum = 0, squares = 0;
      for (Index i = 0; i < particles; ++i) {
        const double error = estimated[i] - exact[i];
        sum += error;
        squares += error * error;
      }
      EXPECT_LE(std::abs(sum / particles), 4 * std::sqrt(squares) / particles) << probes;
      if (probes == 1) one = squares;
      // The ratio of two variances of 2000 samples whose kurtosis may be 10 has a relative deviation of
      // sqrt(2 * 9 / 2000) = 0.095.
      if (probes == 16) {
        EXPECT_NEAR(one / squares, 16, 4 * 0.095 * 16);
      }
    }
  }
}

TEST(FlowMatching, OptimalCouplingOnTheLine) {
  // Pairs of the plan are x1 = T x0 up to the sampling of a batch of 512: then x_t = ((1-t) s0 + t s1) y and
  // x1 - x0 = (s1 - s0) y with one standard normal y.
  const double s0 = 0.5, s1 = 1.5;
  Json values = linear({{"source", "source"},
                        {"target", "target"},
                        {"coupling", {{"kind", "exact"}}},
                        {"interpolant", {{"kind", "linear"}}},
                        {"margin", 0.49}});
  values["batch"] = 512;
  values["training_points"] = 0;
  values["average"] = 0.98;
  const auto model =
      test::model("stochastic_interpolant", values, {{"source", normal(0, s0)}, {"target", normal(1, s1)}});
  test::train(*model);
  const auto [slope, value] = line(*model->velocity(), 0.5, 0.5);
  // A batch has 512 pairs: its empirical deviations are off by 1/sqrt(2 512) each, averaged over about 50 batches; the
  // plan of a finite batch is off by O(1/512).
  const double error = 5 / std::sqrt(2.0 * 512 * 50);
  EXPECT_NEAR(slope, (s1 - s0) / ((s0 + s1) / 2), error * (s0 + s1) + 4.0 / 512);
  EXPECT_NEAR(value, 1, error * (s0 + s1) + 4.0 / 512);
}

TEST(RectifiedFlow, ReflowKeepsTheEndsAndStraightens) {
  const auto model = test::model("rectified_flow",
                                 {{"source", "source"},
                                  {"target", "target"},
                                  {"reflows", 1},
                                  {"pairs", 4000},
                                  {"pair_steps", 20},
                                  {"steps", 1500},
                                  {"batch", 512},
                                  {"network", {{"kind", "mlp"}, {"hidden", {32, 32}}}},
                                  {"optimizer", {{"kind", "adam"}, {"rate", 3e-3}}},
                                  {"rate_schedule", {{"kind", "cosine"}}}},
                                 {{"source", normal(0, 0.5)}, {"target", normal(1, 1.5)}});
  test::train(*model);
  // On the line one reflow of an exact flow is straight: v(x, t) = v(x0, 0) along x_t = x0 + t v(x0, 0), and the map is
  // the monotone one, x0 -> 1 + 3 x0.
  for (const double x0 : {-0.5, 0.0, 0.6}) {
    PointArray x(1, 1), v(1, 1);
    double lowest = 1e300, highest = -1e300;
    for (const double t : {0.1, 0.5, 0.9}) {
      x(0, 0) = x0 + t * (1 + 2 * x0);
      model->velocity()->evaluate(t, x, v);
      lowest = std::min(lowest, v(0, 0));
      highest = std::max(highest, v(0, 0));
    }
    // Independent pairs have velocities that vary along the same line by (1 + 2 x0) times O(1): a tenth is straight.
    EXPECT_LT(highest - lowest, 0.15 + 0.1 * std::abs(1 + 2 * x0)) << x0;
    EXPECT_NEAR((highest + lowest) / 2, 1 + 2 * x0, 0.15 + 0.1 * std::abs(1 + 2 * x0)) << x0;
  }
}

}  // namespace
