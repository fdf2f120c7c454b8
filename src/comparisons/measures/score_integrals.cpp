/// Measures circulation and line_integral: is a score the gradient of a log density, and of the right one?
#include <array>
#include <cmath>
#include <numbers>

#include "fortet/processes/scored.hpp"
#include "weighted_points.hpp"

namespace fortet::comparisons {
namespace {

/// A learned score comes inside of the process that uses it.
processes::OwnScore require_score(const processes::Process& process, const std::string& name) {
  processes::OwnScore score = processes::own_score(process);
  if (!score.field) {
    throw ParameterError("of", fmt::format("expected a time_reversal of a linear noising process or a flow with a "
                                           "score, found {}",
                                           name));
  }
  return score;
}

class ScoreIntegral : public Measure {
 public:
  ScoreIntegral(const Parameters& p, const MeasureContext& context)
      : parameters_(p),
        process_(require_process(context.side(p.text("of")), "of")),
        score_(require_score(*process_, p.text("of"))),
        law_(context.side(p.text("law")).law) {
    if (!law_) throw ParameterError("law", fmt::format("expected a law, found {}", p.text("law")));
    if (law_->dimension() != process_->dimension()) {
      throw ParameterError(
          "law", fmt::format("expected a law in {} dimensions, found {}", process_->dimension(), law_->dimension()));
    }
    if (!law_->capabilities().sample) throw ParameterError("law", "the law cannot be sampled");
    if (p.real("time") > score_.horizon) {
      throw ParameterError(
          "time", fmt::format("expected a time of the score in [0, {}], found {}", score_.horizon, p.real("time")));
    }
  }

 protected:
  const Parameters& parameters() const { return parameters_; }
  const laws::Law& law() const { return *law_; }
  double time() const { return parameters_.real("time"); }
  int dimension() const { return process_->dimension(); }
  PointArray samples(const MeasureContext& context, Index count) const {
    PointArray x(count, dimension());
    law_->sample(parallel::Stream(context.seed, parallel::Purpose::law_sample, parameters_.name()), 0, x);
    return x;
  }
  PointArray score_at(const PointArray& x) const {
    PointArray s(x.size(), dimension());
    score_.field->evaluate(time(), x, s);
    return s;
  }

 private:
  Parameters parameters_;
  processes::ProcessPtr process_;
  processes::OwnScore score_;
  laws::LawPtr law_;
};

/// Circles around samples of a law in the plane of two axes; the periodic trapezoidal rule converges exponentially.
class Circulation : public ScoreIntegral {
 public:
  Circulation(const Parameters& p, const MeasureContext& context) : ScoreIntegral(p, context) {
    if (dimension() < 2) throw ParameterError("of", "there are no loops on a line");
  }
  std::vector<Measurement> evaluate(const MeasureContext& context, const parallel::Communicator&) override {
    const Index loops = parameters().integer("loops"), nodes = parameters().integer("nodes");
    const double radius = parameters().real("radius");
    const PointArray centres = samples(context, loops);
    double squares = 0, lengths = 0;
    for (Index loop = 0; loop < loops; ++loop) {
      const int a = static_cast<int>(loop % dimension()), b = (a + 1) % dimension();
      PointArray x(nodes, dimension());
      for (Index i = 0; i < nodes; ++i) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(nodes);
        for (int k = 0; k < dimension(); ++k) x(i, k) = centres(loop, k);
        x(i, a) += radius * std::cos(angle);
        x(i, b) += radius * std::sin(angle);
      }
      const PointArray s = score_at(x);
      double around = 0, total = 0;
      for (Index i = 0; i < nodes; ++i) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(nodes);
        around += s(i, b) * std::cos(angle) - s(i, a) * std::sin(angle);
        total += std::hypot(s(i, a), s(i, b));
      }
      const double arc = 2 * std::numbers::pi * radius / static_cast<double>(nodes);
      squares += std::pow(around * arc, 2);
      lengths += std::pow(total * arc, 2);
    }
    return {{"", "circulation", time(), std::sqrt(squares / static_cast<double>(loops)), {}, {}, {}, {}, ""},
            {"", "relative_circulation", time(), std::sqrt(squares / lengths), {}, {}, {}, {}, ""}};
  }
};

/// Straight lines between pairs of samples: int s . dl against the change of the log density.
class LineIntegral : public ScoreIntegral {
 public:
  LineIntegral(const Parameters& p, const MeasureContext& context) : ScoreIntegral(p, context) {
    if (!law().capabilities().log_density) throw ParameterError("law", "the law has no log density");
  }
  std::vector<Measurement> evaluate(const MeasureContext& context, const parallel::Communicator&) override {
    const Index paths = parameters().integer("paths"), panels = parameters().integer("nodes");
    const PointArray ends = samples(context, 2 * paths);
    std::vector<double> log_density(static_cast<std::size_t>(2 * paths));
    law().log_density(ends, log_density.data());
    // Gauss-Legendre with four nodes per panel: error of order 8 in the width of a panel.
    constexpr std::array<double, 4> nodes{-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                          0.8611363115940526};
    constexpr std::array<double, 4> weights{0.3478548451374538, 0.6521451548625461, 0.6521451548625461,
                                            0.3478548451374538};
    double squares = 0, changes = 0;
    for (Index path = 0; path < paths; ++path) {
      PointArray x(4 * panels, dimension());
      for (Index i = 0; i < x.size(); ++i) {
        const double share = (static_cast<double>(i / 4) + (1 + nodes[i % 4]) / 2) / static_cast<double>(panels);
        for (int k = 0; k < dimension(); ++k) {
          x(i, k) = ends(2 * path, k) + share * (ends(2 * path + 1, k) - ends(2 * path, k));
        }
      }
      const PointArray s = score_at(x);
      double integral = 0;
      for (Index i = 0; i < x.size(); ++i) {
        for (int k = 0; k < dimension(); ++k) {
          integral +=
              weights[i % 4] / 2 / static_cast<double>(panels) * s(i, k) * (ends(2 * path + 1, k) - ends(2 * path, k));
        }
      }
      const double change = log_density[2 * path + 1] - log_density[2 * path];
      squares += std::pow(integral - change, 2);
      changes += change * change;
    }
    return {{"", "line_integral_error", time(), std::sqrt(squares / static_cast<double>(paths)), {}, {}, {}, {}, ""},
            {"", "relative_line_integral_error", time(), std::sqrt(squares / changes), {}, {}, {}, {}, ""}};
  }
};

std::vector<Parameter> parameters(const std::string& law, std::vector<Parameter> own) {
  std::vector<Parameter> all{
      required("of", {Type::reference}, "time_reversal or flow whose score it is: \"processes.name\""),
      required("law", {Type::reference}, law),
      required("time", {Type::real}, "time of the score: the noising time of a time_reversal, the own of a flow")
          .nonnegative()};
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

const RegisteredMeasure circulation{
    {"measures", "circulation",
     "Root mean square of the integral of a score around circles, which is zero for a gradient, also relative to the "
     "integral of its size",
     "",
     parameters("law of the centres: \"laws.name\"",
                {defaulted("radius", {Type::real}, 0.5, "radius of the circles").positive(),
                 defaulted("loops", {Type::integer}, 256, "number of circles").at_least(1),
                 defaulted("nodes", {Type::integer}, 64, "points on a circle").at_least(3)})},
    [](const Parameters& p, const MeasureContext& context) { return std::make_unique<Circulation>(p, context); }};

const RegisteredMeasure line_integral{
    {"measures", "line_integral",
     "Root mean square, over lines between two samples, of the integral of a score less the change of log p, also "
     "relative to that change",
     "",
     parameters("p, whose samples are the ends: \"laws.name\"",
                {defaulted("paths", {Type::integer}, 256, "number of lines").at_least(1),
                 defaulted("nodes", {Type::integer}, 32, "panels of four points on a line").at_least(1)})},
    [](const Parameters& p, const MeasureContext& context) { return std::make_unique<LineIntegral>(p, context); }};

}  // namespace
}  // namespace fortet::comparisons
