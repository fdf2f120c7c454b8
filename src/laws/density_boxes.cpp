#include "density_boxes.hpp"

#include "quadrature.hpp"

namespace fortet::laws {

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int lattice_nodes = 5, gauss_nodes = 4;  ///< along each axis of a box

/// By dimension: boxes along each axis to begin with, share of accepted draws that is aimed at, boxes at most.
constexpr std::array<int, 3> first_boxes{256, 32, 10};
constexpr std::array<double, 3> wanted_acceptance{0.95, 0.8, 0.5};
constexpr std::array<std::size_t, 3> most_boxes{100000, 100000, 100000};

constexpr double least_acceptance = 1e-3;  ///< below it sampling takes too long

/// Of a pole this share of the mass may be drawn evenly over its box.
constexpr double negligible_share = 1e-12;

double log_sum(const std::vector<double>& logs) {
  const double largest = *std::max_element(logs.begin(), logs.end());
  if (!std::isfinite(largest)) return largest;
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - largest);
  return largest + std::log(sum);
}

/// Points of a box at the same fractions along each axis, axis 0 fastest.
PointArray points_of(const DensityBox& box, int dimension, const std::vector<double>& fractions) {
  const Index n = static_cast<Index>(fractions.size());
  Index count = 1;
  for (int k = 0; k < dimension; ++k) count *= n;
  PointArray x(count, dimension);
  for (Index i = 0; i < count; ++i) {
    Index rest = i;
    for (int k = 0; k < dimension; ++k, rest /= n)
      x(i, k) = box.lower[k] + (box.upper[k] - box.lower[k]) * fractions[rest % n];
  }
  return x;
}

double log_bound(const DensityBox& box, int dimension) {
  double volume = 0;
  for (int k = 0; k < dimension; ++k) volume += std::log(box.upper[k] - box.lower[k]);
  return box.log_bound + volume;
}
}  // namespace

DensityBoxes::DensityBoxes(const Expression& potential, double temperature, const std::vector<double>& lower,
                           const std::vector<double>& upper)
    : potential_(potential), temperature_(temperature), dimension_(static_cast<int>(lower.size())) {
  for (int k = 0; k < dimension_; ++k) slopes_.push_back(potential.derivative(k));
  const int n = first_boxes[dimension_ - 1];
  std::size_t count = 1;
  for (int k = 0; k < dimension_; ++k) count *= n;
  for (std::size_t i = 0; i < count; ++i) {
    DensityBox box;
    std::size_t rest = i;
    for (int k = 0; k < dimension_; ++k, rest /= n) {
      const double width = (upper[k] - lower[k]) / n;
      const int index = static_cast<int>(rest % n);
      box.lower[k] = lower[k] + width * index;
      box.upper[k] = index + 1 == n ? upper[k] : lower[k] + width * (index + 1);
    }
    box.before.fill(infinity);
    measure(box);
    boxes_.push_back(box);
  }
  while (refine()) {
  }
  std::vector<double> masses;
  for (const DensityBox& box : boxes_) masses.push_back(box.log_mass);
  if (!std::isfinite(log_sum(masses))) {
    throw ParameterError("potential", "exp(-potential/temperature) vanishes on the whole box: it cannot be normalised");
  }
  if (const double accepted = acceptance(); !(accepted > least_acceptance)) {
    throw ParameterError("potential",
                         fmt::format("the potential varies on scales far below the size of the box: cut into {} "
                                     "boxes, one draw of {:.3g} would be accepted",
                                     boxes_.size(), 1 / accepted));
  }
}

double DensityBoxes::acceptance() const {
  std::vector<double> masses, bounds;
  for (const DensityBox& box : boxes_) {
    masses.push_back(box.log_mass);
    bounds.push_back(box.is_singular ? box.log_mass : log_bound(box, dimension_));
  }
  return std::exp(log_sum(masses) - log_sum(bounds));
}

std::string DensityBoxes::place(const DensityBox& box) const {
  const auto names = Expression::default_coordinates(dimension_);
  std::vector<std::string> words;
  for (int k = 0; k < dimension_; ++k) words.push_back(fmt::format("{} = {:.6g}", names[k], box.upper[k]));
  return fmt::format("{}", fmt::join(words, ", "));
}

/// Potential over temperature at these points. One that is not a number on a side of a box, as x log x at 0, is taken a
/// little inside.
std::vector<double> DensityBoxes::values(const PointArray& x, const DensityBox& box) {
  std::vector<double> result(x.size());
  potential_.evaluate(0, x, result.data());
  for (Index i = 0; i < x.size(); ++i) {
    if (std::isnan(result[i])) {
      std::vector<double> point(dimension_);
      for (int k = 0; k < dimension_; ++k) {
        const double middle = box.lower[k] + (box.upper[k] - box.lower[k]) / 2;
        point[k] = x(i, k) + 1e-6 * (middle - x(i, k));
      }
      result[i] = potential_(0, point);
      if (std::isnan(result[i])) {
        DensityBox here;
        for (int k = 0; k < dimension_; ++k) here.upper[k] = x(i, k);
        throw ParameterError("potential", fmt::format("the potential is not a number at {}", place(here)));
      }
    }
    result[i] /= temperature_;
  }
  return result;
}

/// The bound: the largest value on a lattice, raised by what the steepest slope seen on it allows over half its
/// spacing, with a margin of one half for the slope between its points. Sampling checks it at every draw.
void DensityBoxes::measure(DensityBox& box) {
  static const QuadratureRule rule = gauss_legendre(gauss_nodes);
  std::vector<double> even(lattice_nodes);
  for (int i = 0; i < lattice_nodes; ++i) even[i] = static_cast<double>(i) / (lattice_nodes - 1);
  const PointArray corners = points_of(box, dimension_, even), inside = points_of(box, dimension_, rule.nodes);
  const std::vector<double> on_lattice = values(corners, box), at_nodes = values(inside, box);
  double least = infinity, margin = 0, widest = -1;
  for (const double value : on_lattice) least = std::min(least, value);
  for (const double value : at_nodes) least = std::min(least, value);
  std::vector<double> slope(corners.size());
  Index stride = 1;
  for (int k = 0; k < dimension_; ++k, stride *= lattice_nodes) {
    const double spacing = (box.upper[k] - box.lower[k]) / (lattice_nodes - 1);
    slopes_[k].evaluate(0, corners, slope.data());
    double steepest = 0;
    for (Index i = 0; i < corners.size(); ++i) {
      if (std::isfinite(slope[i]) && std::isfinite(on_lattice[i]))
        steepest = std::max(steepest, std::abs(slope[i]) / temperature_);
      if (i / stride % lattice_nodes + 1 == lattice_nodes) continue;
      const double difference = on_lattice[i + stride] - on_lattice[i];
      if (!std::isfinite(slope[i]) && std::isfinite(difference))
        steepest = std::max(steepest, std::abs(difference) / spacing);
    }
    const double here = 1.5 * steepest * spacing / 2;
    margin += here;
    if (here > widest) widest = here, box.widest = k;
  }
  // Nothing varies that can be seen, or all of it is infinite: then the longest side is cut.
  if (!(widest > 0)) {
    for (int k = 0; k < dimension_; ++k) {
      if (box.upper[k] - box.lower[k] > box.upper[box.widest] - box.lower[box.widest]) box.widest = k;
    }
  }
  box.is_singular = least == -infinity;
  box.log_bound = margin - least;
  std::vector<double> logs(inside.size());
  for (Index i = 0; i < inside.size(); ++i) {
    double weight = 1;
    Index rest = i;
    for (int k = 0; k < dimension_; ++k, rest /= gauss_nodes)
      weight *= rule.weights[rest % gauss_nodes] * (box.upper[k] - box.lower[k]);
    logs[i] = std::log(weight) - at_nodes[i];
  }
  box.log_mass = log_sum(logs);
}

/// The mass of ever smaller boxes around a pole must fall: by a factor 2^(a - 1) at each halving of a line where the
/// density grows like |x|^-a, and likewise over as many cuts as there are axes.
void DensityBoxes::refuse_pole(const DensityBox& box) const {
  const double older = box.before[dimension_ - 1];
  if (std::isfinite(box.log_mass) && box.log_mass < older - 1e-3) return;
  throw ParameterError(
      "potential", fmt::format("exp(-potential/temperature) cannot be normalised: it is not integrable at {}, where "
                               "the potential goes to minus infinity",
                               place(box)));
}

/// Cuts the boxes that waste more than the average, and in any case a twentieth of them: where bounds differ by large
/// powers all but one are below the average. False when there is nothing to gain.
bool DensityBoxes::refine() {
  std::vector<double> masses, bounds, wasted;
  for (const DensityBox& box : boxes_) {
    masses.push_back(box.log_mass);
    bounds.push_back(box.is_singular ? -infinity : log_bound(box, dimension_));
    wasted.push_back(bounds.back() + std::log1p(-std::min(1.0, std::exp(masses.back() - bounds.back()))));
    if (std::isnan(wasted.back())) wasted.back() = -infinity;
  }
  const double mass = log_sum(masses), bound = log_sum(bounds), wanted = wanted_acceptance[dimension_ - 1];
  const bool is_good = std::isfinite(mass) && mass - bound >= std::log(wanted);
  std::vector<double> sorted = wasted;
  const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 20);
  std::nth_element(sorted.begin(), place, sorted.end(), std::greater<>());
  const double threshold = std::min(*place, bound + std::log((1 - wanted) / static_cast<double>(boxes_.size())));
  std::vector<DensityBox> next;
  bool has_cut = false;
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    DensityBox& box = boxes_[i];
    const int axis = box.widest;
    const double middle = box.lower[axis] + (box.upper[axis] - box.lower[axis]) / 2;
    const bool can_be_cut = middle > box.lower[axis] && middle < box.upper[axis];
    bool wasteful = false;
    if (box.is_singular) {
      wasteful = box.log_mass > mass + std::log(negligible_share);
    } else if (!is_good && boxes_.size() < most_boxes[dimension_ - 1]) {
      wasteful = wasted[i] > -infinity && wasted[i] >= threshold;
    }
    if (!wasteful || !can_be_cut) {
      next.push_back(box);
      continue;
    }
    has_cut = true;
    for (const int half : {0, 1}) {
      DensityBox part = box;
      (half == 0 ? part.upper : part.lower)[axis] = middle;
      std::copy_backward(box.before.begin(), box.before.end() - 1, part.before.end());
      part.before[0] = box.log_mass;
      measure(part);
      if (part.is_singular) refuse_pole(part);
      next.push_back(part);
    }
  }
  boxes_ = std::move(next);
  return has_cut;
}

}  // namespace fortet::laws
