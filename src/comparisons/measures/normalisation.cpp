#include <cmath>

#include "weighted_points.hpp"

namespace fortet::comparisons {
namespace {

/// The flow dx/ds = -b(x, end - s) on [0, end].
class Backwards : public processes::Process {
 public:
  Backwards(processes::ProcessPtr flow, double end) : Process(flow->dimension(), end), flow_(std::move(flow)) {}
  void drift(double s, ConstPoints x, Points out) const override {
    flow_->drift(time(s), x, out);
    for (int k = 0; k < out.dimension(); ++k) {
      for (Index i = 0; i < out.size(); ++i) out(i, k) = -out(i, k);
    }
  }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double s, ConstPoints x, double* out) const override {
    flow_->drift_divergence(time(s), x, out);
    for (Index i = 0; i < x.size(); ++i) out[i] = -out[i];
  }
  processes::NoiseShape noise_shape() const override { return processes::NoiseShape::none; }

 private:
  double time(double s) const { return std::max(0.0, horizon() - s); }
  processes::ProcessPtr flow_;
};

/// "Samples" are the cell centres of a grid in the order of the cells, with log density zero.
class CellCentres : public laws::Law {
 public:
  explicit CellCentres(densities::GridPtr grid) : Law(grid->dimension()), grid_(std::move(grid)) {}
  void sample(const parallel::Stream&, std::int64_t first, Points out) const override {
    for (Index i = 0; i < out.size(); ++i) {
      std::int64_t rest = std::min<std::int64_t>(first + i, grid_->cell_count() - 1);  // the padding of a block
      for (int k = 0; k < dimension(); ++k) {
        out(i, k) = grid_->centres(k)[static_cast<std::size_t>(rest % grid_->cells(k))];
        rest /= grid_->cells(k);
      }
    }
  }
  void log_density(ConstPoints x, double* out) const override { std::fill_n(out, x.size(), 0.0); }

 private:
  densities::GridPtr grid_;
};

/// log p_t(x) = log p_0(x_0) - int_0^t div b along the flow that ends in x, at every cell centre.
class Normalisation : public Measure {
 public:
  Normalisation(const Parameters& p, const MeasureContext& context)
      : parameters_(p),
        flow_(require_process(context.side(p.text("of")), "of")),
        initial_(context.side(p.text("initial")).law) {
    if (flow_->noise_shape() != processes::NoiseShape::none) {
      throw ParameterError("of", "the density is carried along a flow: expected a process without noise");
    }
    if (!flow_->has_drift_divergence())
      throw ParameterError("of", "the flow does not know the divergence of its drift");
    if (!initial_ || !initial_->capabilities().log_density) {
      throw ParameterError("initial", "expected a law with a log density");
    }
    const Side side = context.side(p.text("in"));
    require_snapshots(side, flow_->dimension(), "in");
    if (!side.density) throw ParameterError("in", "expected a density, on whose grid is integrated");
    if (initial_->dimension() != flow_->dimension()) {
      throw ParameterError("initial", fmt::format("expected a law in {} dimensions, found {}", flow_->dimension(),
                                                  initial_->dimension()));
    }
  }

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const Side side = context.side(parameters_.text("in"));
    const densities::Grid& grid = *side.density->grid;
    std::vector<Measurement> result;
    for (const double t : measured_times(parameters_, side)) {
      if (t == 0) continue;
      const std::vector<double> mine = density_on_slab(grid, carried(side.density->grid, t, communicator));
      const std::vector<double>&values = side.density->at(t).values, volumes = grid.local_volumes();
      std::array<parallel::ExactSum, 2> parts;
      double largest = 0, highest = 0;
      for (std::size_t i = 0; i < mine.size(); ++i) {
        parts[0].add(mine[i] * volumes[i]);
        parts[1].add(std::abs(mine[i] - values[i]) * volumes[i]);
        largest = std::max(largest, std::abs(mine[i] - values[i]));
        highest = std::max(highest, values[i]);
      }
      const std::vector<double> sums = communicator.sum(parts);
      largest = communicator.max(largest) / communicator.max(highest);
      result.push_back({"", "mass", t, sums[0], {}, {}, {}, {}, "of the density carried along the flow; expected 1"});
      result.push_back({"", "density_l1", t, sums[1], {}, {}, {}, {}, "to " + side.name});
      result.push_back({"", "density_maximum", t, largest, {}, {}, {}, {}, "over the maximum of " + side.name});
    }
    return result;
  }

 private:
  /// log p_t at all cell centres, on every rank.
  std::vector<double> carried(const densities::GridPtr& grid, double t,
                              const parallel::Communicator& communicator) const {
    ensembles::EnsembleSettings settings;
    settings.name = parameters_.name();
    settings.process = std::make_shared<Backwards>(flow_, t);
    settings.initial = std::make_shared<CellCentres>(grid);
    settings.particles = grid->cell_count();
    settings.at = {t};
    settings.parameters = Parameters::make("ensembles", "",
                                           {{"process", "flow"},
                                            {"initial", "centres"},
                                            {"particles", settings.particles},
                                            {"stepper", "dormand_prince"},
                                            {"tolerance", parameters_.real("tolerance")},
                                            {"log_density", true}});
    const ensembles::EnsemblePath path = ensembles::run_ensemble(settings, communicator);
    const ensembles::Snapshot& start = path.snapshots.back();
    std::vector<double> log_density(start.log_density.size());
    initial_->log_density(start.positions, log_density.data());
    for (std::size_t i = 0; i < log_density.size(); ++i) log_density[i] -= start.log_density[i];
    return communicator.gather_all(log_density);
  }

  static std::vector<double> density_on_slab(const densities::Grid& grid, const std::vector<double>& log_density) {
    const auto begin = log_density.begin() + grid.slab().begin * grid.layer_size();
    std::vector<double> density(begin, begin + grid.local_count());
    for (double& value : density) value = std::exp(value);
    return density;
  }

  Parameters parameters_;
  processes::ProcessPtr flow_;
  laws::LawPtr initial_;
};

const RegisteredMeasure registered_normalisation{
    {"measures",
     "normalisation",
     "Mass on a grid of the density exp(log p_0(x_0) - int div b) that a flow carries, which must be 1, and its "
     "distance "
     "to a density on that grid",
     "Chen et al., 2018",
     {required("of", {Type::reference}, "the flow: \"processes.name\""),
      required("initial", {Type::reference}, "p_0: \"laws.name\""),
      required("in", {Type::reference}, "density whose grid, times and values are taken: \"densities.name\""),
      at_parameter(),
      defaulted("tolerance", {Type::real}, 1e-7, "tolerance of dormand_prince back to time 0").positive()}},
    [](const Parameters& p, const MeasureContext& context) { return std::make_unique<Normalisation>(p, context); }};

}  // namespace
}  // namespace fortet::comparisons
