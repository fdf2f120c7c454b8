// Schema of section "densities" and what can be judged before anything is computed.
#include "density_parameters.hpp"

#include "assumptions.hpp"
#include "axis_generator.hpp"
#include "edge_generator.hpp"
#include "fortet/base/expression.hpp"
#include "grid_coefficients.hpp"
#include "line_operator.hpp"

namespace fortet::densities {

namespace {

const Schema density_schema{
    "densities",
    "",
    "Density of a process on a grid: the forward equation dp/dt = -div((b - div D) p - D grad p), the backward "
    "equation du/dt + b.grad u + D:Hess u = 0, or a steady state of either, by a Markov generator with exponential "
    "fitting.",
    "Risken 1989; Scharfetter and Gummel 1969",
    {required("process", {Type::reference}, "the process").of("processes"),
     optional("initial", {Type::reference},
              "law at t = 0 (forward equation); law over which tau(x) is averaged (mean_first_passage)")
         .of("laws"),
     required("grid", {Type::reference}, "the grid").of("grids"),
     defaulted("equation", {Type::choice}, "forward",
               "forward: density of X_t; backward: u(x, t) = E[function(X_T) | X_t = x]; stationary: the law that the "
               "process with its coefficients of time 'at' keeps; mean_first_passage: mean time tau(x) until it leaves "
               "through an absorbing or outflow side")
         .one_of({"forward", "backward", "stationary", "mean_first_passage"}),
     optional("function", {Type::expression},
              "function at the horizon (backward equation); it vanishes beyond absorbing sides"),
     defaulted("propagator", {Type::kind}, "automatic", "how time is advanced").of("propagators"),
     optional("steps", {Type::integer}, "number of time steps over the horizon; absent: chosen by 'tolerance'")
         .at_least(1),
     optional("tolerance", {Type::real},
              "L1 error in time allowed over the horizon, kept by step doubling (default 1e-3 unless 'steps' is "
              "given); without effect "
              "on propagators that are exact in time")
         .positive(),
     optional("at", {Type::reals},
              "times at which the density is kept, hit exactly (default: the horizon, for steady states 0)")
         .nonnegative(),
     defaulted("spectral_gap", {Type::boolean}, false,
               "smallest non-zero decay rate of the process, beside its stationary law"),
     optional("boxes", {Type::records},
              "named boxes whose mass and outward flux are recorded (forward equation; costs one evaluation of the "
              "current per step: of 'steps', or 64 where the propagator is exact in time); sides are moved to the "
              "nearest edges of the grid")
         .with({required("name", {Type::text}, "name of the box"), required("lower", {Type::reals}, "lower corner"),
                required("upper", {Type::reals}, "upper corner")}),
     optional("reference", {Type::reference}, "law for KL(p_t | reference) over time").of("laws"),
     defaulted("negative_mass_limit", {Type::real}, 1e-6,
               "largest negative mass before the run fails (only PETSc's integrators make any)")
         .nonnegative(),
     optional("boundary_mass_limit", {Type::real},
              "largest mass in the outermost cells before the run fails: the grid is too small for its law (default: "
              "reported only); also "
              "limits the mass of the initial law outside of the grid (default 0.01)")
         .nonnegative(),
     defaulted("action", {Type::boolean}, false,
               "record the action int int p |v|^2 over time (costs one evaluation of the current per step)"),
     defaulted("error_budget", {Type::boolean}, true,
               "estimate the errors in space and time by Richardson extrapolation for the checks"),
     defaulted("store", {Type::texts}, Json::array({"density", "velocity", "current"}),
               "what is written to the results")
         .one_of({"density", "current", "velocity"})}};

struct RegisterDensities {
  RegisterDensities() { SchemaCatalogue::instance().add(density_schema); }
} const registered_density_parameters;

std::string number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

DensityOptions density_options(const DensitySettings& settings) {
  const Parameters& p = settings.parameters;
  DensityOptions options;
  Parameters kind = p.has("propagator") ? p.child("propagator") : Parameters("", "automatic", Json::object());
  options.propagator = Parameters::make("propagators", kind.kind(), kind.json(), settings.name);
  const std::string equation = p.has("equation") ? p.text("equation") : "forward";
  options.equation = equation == "backward"             ? Equation::backward
                     : equation == "stationary"         ? Equation::stationary
                     : equation == "mean_first_passage" ? Equation::mean_first_passage
                                                        : Equation::forward;
  options.is_backward = options.equation == Equation::backward;
  options.action = p.has("action") && p.boolean("action") && options.equation == Equation::forward;
  options.spectral_gap = p.has("spectral_gap") && p.boolean("spectral_gap");
  if (options.spectral_gap && options.equation != Equation::stationary)
    throw ParameterError("spectral_gap", "the spectral gap is computed with 'equation: stationary'");
  if (options.equation != Equation::forward && p.has("boxes"))
    throw ParameterError("boxes", "boxes are recorded by the forward equation only");
  if (p.has("steps") && p.has("tolerance"))
    throw ParameterError("tolerance", "give either 'steps' or 'tolerance', not both");
  if (p.has("steps"))
    options.steps = p.integer("steps");
  else
    options.tolerance = p.has("tolerance") ? p.real("tolerance") : 1e-3;
  if (p.has("negative_mass_limit")) options.negative_mass_limit = p.real("negative_mass_limit");
  if (p.has("boundary_mass_limit")) options.boundary_mass_limit = p.real("boundary_mass_limit");
  return options;
}

namespace {
/// The domain must hold the law's mass; coarse cells are enough to see whether it does. Not collective.
void check_initial_mass(const DensitySettings& settings, const DensityOptions& options) {
  constexpr Index coarse = 16;
  const Grid& grid = *settings.grid;
  std::vector<std::vector<double>> edges(grid.dimension());
  std::size_t count = 1;
  for (int k = 0; k < grid.dimension(); ++k) {
    const Index kept = std::min(coarse, grid.cells(k));
    for (Index i = 0; i <= kept; ++i) edges[k].push_back(grid.edges(k)[i * grid.cells(k) / kept]);
    count *= static_cast<std::size_t>(kept);
  }
  std::vector<double> masses(count);
  settings.initial->cell_masses(edges, masses);
  const double outside = 1 - std::accumulate(masses.begin(), masses.end(), 0.0);
  const double limit = options.boundary_mass_limit >= 0 ? options.boundary_mass_limit : 0.01;
  if (!(outside <= limit)) {
    throw ParameterError(
        "grid", fmt::format("the grid is too small for its law: a mass of {:.3g} of the initial law lies outside "
                            "(boundary_mass_limit {:g})",
                            outside, limit));
  }
}
}  // namespace

std::vector<Box> named_boxes(const DensitySettings& settings) {
  std::vector<Box> boxes;
  if (!settings.parameters.has("boxes")) return boxes;
  const Grid& grid = *settings.grid;
  const std::vector<Parameters> records = settings.parameters.children("boxes");
  for (std::size_t b = 0; b < records.size(); ++b) {
    const std::string key = fmt::format("boxes[{}]", b);
    Box box{records[b].text("name"), {}, {}};
    for (const Box& other : boxes) {
      if (other.name == box.name)
        throw ParameterError(key + ".name", fmt::format("two boxes are called '{}'", box.name));
    }
    const std::vector<double> lower = records[b].reals("lower"), upper = records[b].reals("upper");
    for (const auto& [name, corner] : {std::pair{"lower", &lower}, std::pair{"upper", &upper}}) {
      if (corner->size() != static_cast<std::size_t>(grid.dimension())) {
        throw ParameterError(key + "." + name, fmt::format("expected {} numbers, as the grid has axes, found {}",
                                                           grid.dimension(), corner->size()));
      }
    }
    for (int k = 0; k < grid.dimension(); ++k) {
      const std::vector<double>& edges = grid.edges(k);
      const auto nearest = [&](double x) {
        const auto above = std::lower_bound(edges.begin(), edges.end(), x);
        if (above == edges.begin()) return Index{0};
        if (above == edges.end()) return static_cast<Index>(edges.size()) - 1;
        return static_cast<Index>(above - edges.begin()) - (x - *(above - 1) < *above - x ? 1 : 0);
      };
      box.first.push_back(nearest(lower[k]));
      box.last.push_back(nearest(upper[k]));
      if (box.first.back() >= box.last.back()) {
        throw ParameterError(key, fmt::format("the box holds no cell of the grid along axis {}", k));
      }
    }
    boxes.push_back(std::move(box));
  }
  return boxes;
}

namespace {
void check_steady(const DensitySettings& settings, const DensityOptions& options) {
  const Grid& grid = *settings.grid;
  const bool open = has_open_sides(grid);
  const bool stationary = options.equation == Equation::stationary;
  if (stationary && open)
    throw ParameterError("grid", "a stationary law needs a grid that nothing leaves (no_flux or periodic sides)");
  if (!stationary && !open)
    throw ParameterError("grid", "a mean first passage time needs an absorbing or outflow side");
  if (stationary && settings.initial) throw ParameterError("initial", "a stationary law starts from no law");
  if (options.spectral_gap && settings.at.size() > 1)
    throw ParameterError("at", fmt::format("a spectral gap is computed at one time, found {}", settings.at.size()));
#ifndef FORTET_HAVE_SLEPC
  if (options.spectral_gap && !settings.process->has_potential())
    throw ParameterError("spectral_gap", "of a process without a potential it needs a build with SLEPc");
#endif
  for (const char* key : {"steps", "tolerance"}) {
    if (settings.parameters.has(key)) throw ParameterError(key, "a steady state takes no steps in time");
  }
}
}  // namespace

namespace {
/// Estimated bytes over all ranks: per cell the snapshots and what solves.
double solving_bytes(const DensitySettings& settings, const DensityOptions& options, const DiffusionShape& shape,
                     const std::string& propagator) {
  const Grid& grid = *settings.grid;
  const double d = grid.dimension(), number = sizeof(double);
  const std::string kind = options.is_steady() ? "steady" : propagator;
  const bool is_default = kind == "automatic" || kind == "strang";
  const double edges = shape.cross > 0 ? d == 2 ? 6 : 12 : 2 * d;
  const double graph = edges * sizeof(Edge) + 2 * number;
  // Masses and their logarithm or companion, volumes, both sides of an exchange; the current, which is a diagnostic,
  // and the fluxes that it is the mean of.
  double working = number * (6 + 2 * d);
  // The graph of the propagator and that of the diagnostics, in lists that have room to grow.
  if (shape.cross > 0) working += 3 * graph;
  if (is_default && shape.cross == 0 && !settings.process->is_axis_separable()) working += 2 * d * number;
  if (options.steps == 0) working += 2 * number;  // trial steps
  if (settings.reference) working += number;
  if (!is_default && kind != "separable") {  // matrix, its shifted copy, incomplete factors; Krylov space, stages
    const double entries = edges + 1;
    working += graph + 3 * entries * (number + sizeof(int)) + 40 * number;
  }
  double matrices = 0;  // of the separable propagator: dense, on every rank, and two more of the largest on the way
  if (kind == "separable") {
    double largest = 0;
    for (int k = 0; k < grid.dimension(); ++k) {
      const double entries = std::pow(static_cast<double>(grid.cells(k)), 2);
      matrices += entries;
      largest = std::max(largest, entries);
    }
    matrices = number * grid.communicator().size() * (matrices + 2 * largest);
  }
  return static_cast<double>(grid.cell_count()) * (number * static_cast<double>(settings.at.size()) + working) +
         matrices;
}
}  // namespace

DensityPlan check_density(const DensitySettings& settings) {
  const DensityOptions options = density_options(settings);
  const processes::Process& process = *settings.process;
  const Grid& grid = *settings.grid;
  const int d = process.dimension();
  if (grid.dimension() != d) {
    throw ParameterError("grid", "expected a grid with " + std::to_string(d) + " axes as the process has, found " +
                                     std::to_string(grid.dimension()));
  }
  double previous = -1;
  for (double t : settings.at) {
    if (!(t >= 0 && t <= process.horizon() * (1 + 1e-14))) {
      throw ParameterError("at", "expected times in [0, " + number(process.horizon()) +
                                     "] (the horizon of the process), found " + number(t));
    }
    if (t <= previous)
      throw ParameterError("at", "expected increasing times, found " + number(t) + " after " + number(previous));
    previous = t;
  }
  if (settings.at.empty()) throw ParameterError("at", "expected at least one time");
  if (options.is_backward) {
    if (!settings.parameters.has("function"))
      throw ParameterError("function", "a backward equation needs 'function', its value at the horizon");
    try {
      const Expression function =
          Expression::parse(settings.parameters.text("function"), Expression::default_coordinates(d));
      const PointArray x = sampled_centres(grid);
      std::vector<double> values(x.size());
      function.evaluate(process.horizon(), x, values.data());
      for (Index i = 0; i < x.size(); ++i) {
        if (std::isfinite(values[i])) continue;
        std::vector<double> point(d);
        for (int k = 0; k < d; ++k) point[k] = x(i, k);
        throw ParameterError("function", fmt::format("it is {} at ({:.6g})", values[i], fmt::join(point, ", ")));
      }
    } catch (const ExpressionError& error) {
      throw ParameterError("function", fmt::format("{} (column {} of \"{}\")", error.what(), error.column,
                                                   settings.parameters.text("function")));
    }
  } else if (options.is_steady()) {
    check_steady(settings, options);
  }
  if (!options.is_backward && (settings.initial || !options.is_steady())) {
    if (options.equation == Equation::forward && !settings.initial)
      throw ParameterError("initial", "a forward equation needs 'initial', the law at t = 0");
    if (settings.initial->dimension() != d) {
      throw ParameterError("initial", "expected a law in " + std::to_string(d) +
                                          " dimensions as the process has, found " +
                                          std::to_string(settings.initial->dimension()));
    }
    if (!settings.initial->capabilities().cell_masses) {
      throw ParameterError("initial", "this law has no cell masses, so a density cannot start from it");
    }
    check_initial_mass(settings, options);
  }
  if (settings.reference) {
    if (settings.reference->dimension() != d) {
      throw ParameterError("reference", "expected a law in " + std::to_string(d) + " dimensions, found " +
                                            std::to_string(settings.reference->dimension()));
    }
    if (!settings.reference->capabilities().cell_masses)
      throw ParameterError("reference", "this law has no cell masses");
  }
  check_coefficients(settings, options.is_steady());
  if (!options.is_steady() && options.propagator.kind() == "separable" && !is_separable(process)) {
    throw ParameterError("propagator",
                         "'separable' needs a process whose axes are independent and whose rates have a common clock; "
                         "use strang");
  }
  const DiffusionShape shape = diffusion_shape(process, grid);
  if (shape.cross > 0) check_cross_terms(settings, options.is_steady());
  const std::string kind = options.is_steady() ? settings.parameters.text("equation") : options.propagator.kind();
  const bool transport = *std::min_element(shape.axis.begin(), shape.axis.end()) == 0;
  if (!named_boxes(settings).empty() && transport && shape.cross == 0) {
    throw ParameterError("boxes",
                         "the flux through a box needs diffusion along every axis: pure transport along an axis "
                         "has no fluxes between cells at a time");
  }
  if (options.is_backward && transport && (kind == "strang" || kind == "automatic") &&
      !(kind == "strang" && options.propagator.text("transport") == "upwind")) {
    throw ParameterError("propagator",
                         "the backward equation of a process without diffusion along an axis needs "
                         "{kind: strang, transport: upwind}: the nonlinear schemes have no transpose");
  }
  DensityPlan plan;
  plan.propagator = kind;
  plan.cells = static_cast<double>(grid.cell_count());
  if (kind == "automatic") {
    try {
      plan.propagator = prefers_dense(process, grid) ? "separable" : "strang";
    } catch (const NotComputedYet&) {
      // A field of the process comes from another object of the study: it is chosen then.
    }
  }
  plan.bytes = solving_bytes(settings, options, shape, plan.propagator);
  plan.steps = static_cast<double>(options.steps);
  try {
    plan.remarks = remarks(process, grid);
  } catch (const NotComputedYet&) {
    // A field of the process is computed by the study itself; what there is to say is said when it is solved.
  }
  if (options.is_steady()) plan.quantities = steady_quantities(settings, options);
  return plan;
}

Source initial_source(const DensitySettings& settings, const DensityOptions& options) {
  const Grid& grid = *settings.grid;
  check_initial_mass(settings, options);
  if (std::optional<Source> source = point_source(*settings.initial, grid)) return *std::move(source);
  return {cell_masses(grid, *settings.initial), Sides(grid.dimension())};
}

std::vector<double> cell_masses(const Grid& grid, const laws::Law& law) {
  std::vector<double> masses(grid.local_count());
  parallel::together(grid.communicator(), [&] { law.cell_masses(grid.local_edges(), masses); });
  return masses;
}

std::vector<double> final_values(const DensitySettings& settings, const DensityOptions&) {
  const Grid& grid = *settings.grid;
  std::vector<double> values(grid.local_count());
  const Expression function =
      Expression::parse(settings.parameters.text("function"), Expression::default_coordinates(grid.dimension()));
  PointArray x(block_size, grid.dimension());
  for (Index begin = 0; begin < grid.local_count(); begin += block_size) {
    const Index count = std::min(block_size, grid.local_count() - begin);
    grid.local_centres(begin, x.view().slice(0, count));
    function.evaluate(settings.process->horizon(), ConstPoints(x.view().slice(0, count)), values.data() + begin);
  }
  return values;
}

}  // namespace fortet::densities
