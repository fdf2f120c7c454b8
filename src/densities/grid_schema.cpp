// Grids of a deck: the schema of section "grids" and the grid made from it.
#include "fortet/base/registry.hpp"
#include "fortet/densities/grid.hpp"

namespace fortet::densities {

namespace {

Boundary boundary_of(const Json& value) {
  static const std::map<std::string, Boundary> names{{"no_flux", Boundary::no_flux},
                                                     {"periodic", Boundary::periodic},
                                                     {"absorbing", Boundary::absorbing},
                                                     {"outflow", Boundary::outflow}};
  const auto found = value.is_string() ? names.find(value.get<std::string>()) : names.end();
  if (found == names.end()) {
    throw ParameterError("boundary", "expected no_flux, periodic, absorbing or outflow, found " + value.dump());
  }
  return found->second;
}

std::vector<std::array<Boundary, 2>> boundaries_of(const Json& value, std::size_t dimension) {
  std::vector<std::array<Boundary, 2>> result;
  if (!value.is_array()) {
    result.assign(dimension, {boundary_of(value), boundary_of(value)});
    return result;
  }
  if (value.size() != dimension) {
    throw ParameterError("boundary", "expected one entry per axis (" + std::to_string(dimension) + "), found " +
                                         std::to_string(value.size()));
  }
  for (const Json& axis : value) {
    if (axis.is_array() && axis.size() != 2) {
      throw ParameterError("boundary", "expected a pair [lower, upper] for an axis, found " + axis.dump());
    }
    result.push_back({boundary_of(axis.is_array() ? axis[0] : axis), boundary_of(axis.is_array() ? axis[1] : axis)});
    if ((result.back()[0] == Boundary::periodic) != (result.back()[1] == Boundary::periodic)) {
      throw ParameterError("boundary", "an axis is periodic on both sides or on none, found " + axis.dump());
    }
  }
  return result;
}

std::vector<double> uniform_edges(double lower, double upper, long cells) {
  std::vector<double> edges(cells + 1);
  for (long i = 0; i <= cells; ++i)
    edges[i] = lower + (upper - lower) * (static_cast<double>(i) / static_cast<double>(cells));
  edges.back() = upper;
  return edges;
}

/// x(s) = focus + c sinh(strength (s - s0)), s in [0, 1]: widths grow like cosh away from the focus.
std::vector<double> focused_edges(double lower, double upper, long cells, double focus, double strength) {
  // asinh((lower - focus)/c) = -strength s0 and asinh((upper - focus)/c) = strength (1 - s0): one equation for c,
  // monotone.
  double small = 1e-12 * (upper - lower), large = 1e12 * (upper - lower);
  for (int i = 0; i < 200; ++i) {
    const double c = std::sqrt(small * large);
    const double span = std::asinh((upper - focus) / c) - std::asinh((lower - focus) / c);
    (span > strength ? small : large) = c;
  }
  const double c = std::sqrt(small * large), start = std::asinh((lower - focus) / c);
  std::vector<double> edges(cells + 1);
  for (long i = 0; i <= cells; ++i) {
    edges[i] = focus + c * std::sinh(start + strength * static_cast<double>(i) / static_cast<double>(cells));
  }
  edges.front() = lower;
  edges.back() = upper;
  return edges;
}

const Schema grid_schema{
    "grids",
    "",
    "Tensor grid in 1 to 3 dimensions for densities, distributed over the ranks by slabs of its last axis.",
    "",
    {required("lower", {Type::reals}, "lower end of each axis"),
     required("upper", {Type::reals}, "upper end of each axis"),
     required("cells", {Type::integers}, "number of cells along each axis; the last axis needs at least one per rank")
         .at_least(1),
     defaulted(
         "boundary", {Type::sides}, "no_flux",
         "what happens at the sides: no_flux reflects, periodic joins both ends, absorbing removes and counts (p = 0), "
         "outflow lets the drift carry mass out and counts it")
         .one_of({"no_flux", "periodic", "absorbing", "outflow"}),
     optional("stretching", {Type::records}, "axes with cells of unequal widths")
         .with({required("axis", {Type::integer}, "axis number, from 0").between(0, 2),
                optional("focus", {Type::real},
                         "point where the cells are narrowest: x(s) = focus + c sinh(strength (s - s0))"),
                defaulted("strength", {Type::real}, 3.0, "how strongly the widths grow away from the focus").positive(),
                optional("edges", {Type::reals}, "all edges of the axis, increasing, instead of a focus")})}};

struct RegisterGrids {
  RegisterGrids() { SchemaCatalogue::instance().add(grid_schema); }
} const registered_grid_schema;

}  // namespace

std::shared_ptr<const Grid> Grid::make(const Parameters& parameters, const parallel::Communicator& communicator) {
  const std::vector<double> lower = parameters.reals("lower"), upper = parameters.reals("upper");
  const std::vector<long> cells = parameters.integers("cells");
  if (lower.empty() || lower.size() > 3) {
    throw ParameterError("lower", "a grid has 1 to 3 axes, found " + std::to_string(lower.size()));
  }
  const std::string wanted = "expected " + std::to_string(lower.size()) + " values as in 'lower', found ";
  if (upper.size() != lower.size()) throw ParameterError("upper", wanted + std::to_string(upper.size()));
  if (cells.size() != lower.size()) throw ParameterError("cells", wanted + std::to_string(cells.size()));
  std::vector<std::vector<double>> edges;
  for (std::size_t k = 0; k < lower.size(); ++k) {
    if (!(lower[k] < upper[k]) || !std::isfinite(upper[k] - lower[k])) {
      throw ParameterError("upper", "axis " + std::to_string(k) + ": expected a value above lower (" +
                                        std::to_string(lower[k]) + "), found " + std::to_string(upper[k]));
    }
    if (cells[k] < 1) throw ParameterError("cells", "expected at least 1, found " + std::to_string(cells[k]));
    edges.push_back(uniform_edges(lower[k], upper[k], cells[k]));
  }
  if (parameters.has("stretching")) {
    for (const Parameters& entry : parameters.children("stretching")) {
      const std::size_t k = static_cast<std::size_t>(entry.integer("axis"));
      if (k >= lower.size()) throw ParameterError("stretching.axis", "the grid has no axis " + std::to_string(k));
      if (entry.has("edges") == entry.has("focus")) {
        throw ParameterError("stretching", "give either 'focus' or 'edges' for an axis");
      }
      if (entry.has("focus")) {
        edges[k] = focused_edges(lower[k], upper[k], cells[k], entry.real("focus"), entry.real("strength"));
        continue;
      }
      edges[k] = entry.reals("edges");
      if (static_cast<long>(edges[k].size()) != cells[k] + 1 || edges[k].front() != lower[k] ||
          edges[k].back() != upper[k]) {
        throw ParameterError("stretching.edges", "expected " + std::to_string(cells[k] + 1) +
                                                     " edges from lower to upper, found " +
                                                     std::to_string(edges[k].size()));
      }
    }
  }
  for (const std::vector<double>& e : edges) {
    for (std::size_t i = 0; i + 1 < e.size(); ++i) {
      if (!(e[i] < e[i + 1])) throw ParameterError("stretching", "the edges of an axis do not increase");
    }
  }
  if (cells.back() < communicator.size()) {
    throw ParameterError("cells", "the last axis has " + std::to_string(cells.back()) + " cells for " +
                                      std::to_string(communicator.size()) + " ranks; each rank needs at least one");
  }
  return std::make_shared<Grid>(communicator, std::move(edges),
                                boundaries_of(parameters.json().at("boundary"), lower.size()));
}

}  // namespace fortet::densities
