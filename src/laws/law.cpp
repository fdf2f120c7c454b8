#include "fortet/laws/law.hpp"

#include "quadrature.hpp"

namespace fortet::laws {

namespace {
[[noreturn]] void lacks(const char* what) { throw UsageError(std::string("this law has no ") + what); }

/// Change of variables from s in [0, 1] onto one side of a cell, finite or not: x(s) and dx/ds.
struct Side {
  double lower, upper;
  void map(double s, double& x, double& slope) const {
    if (std::isfinite(lower) && std::isfinite(upper)) {
      x = lower + s * (upper - lower), slope = upper - lower;
    } else if (std::isfinite(lower)) {
      x = lower + s / (1 - s), slope = 1 / ((1 - s) * (1 - s));
    } else if (std::isfinite(upper)) {
      x = upper - (1 - s) / s, slope = 1 / (s * s);
    } else {
      const double u = 2 * s - 1, v = 1 - u * u;
      x = u / v, slope = 2 * (1 + u * u) / (v * v);
    }
  }
};

/// Adaptive tensor Gauss-Legendre quadrature of exp(log density) over one cell.
class CellQuadrature {
 public:
  CellQuadrature(const Law& law, std::vector<Side> sides)
      : law_(law), sides_(std::move(sides)), rule_(gauss_legendre(6)) {}

  double operator()() {
    const std::vector<double> origin(sides_.size(), 0.0);
    return refine(origin, 1, value(origin, 1), 0);
  }

 private:
  double value(const std::vector<double>& corner, double width) {
    const int dimension = static_cast<int>(sides_.size());
    const int n = static_cast<int>(rule_.nodes.size());
    Index count = 1;
    for (int k = 0; k < dimension; ++k) count *= n;
    if (points_.size() != count) points_ = PointArray(count, dimension), weights_.resize(count), logs_.resize(count);
    for (Index i = 0; i < count; ++i) {
      Index rest = i;
      double weight = 1;
      for (int k = 0; k < dimension; ++k, rest /= n) {
        double slope;
        sides_[k].map(corner[k] + width * rule_.nodes[rest % n], points_(i, k), slope);
        weight *= width * rule_.weights[rest % n] * slope;
      }
      weights_[i] = weight;
    }
    law_.log_density(points_, logs_.data());
    double sum = 0;
    for (Index i = 0; i < count; ++i) sum += weights_[i] * std::exp(logs_[i]);
    return sum;
  }

  double refine(const std::vector<double>& corner, double width, double coarse, int level) {
    const int dimension = static_cast<int>(corner.size()), parts = 1 << dimension;
    std::vector<double> fine(parts);
    std::vector<std::vector<double>> corners(parts, corner);
    double sum = 0;
    for (int part = 0; part < parts; ++part) {
      for (int k = 0; k < dimension; ++k) corners[part][k] += (part >> k & 1) * width / 2;
      sum += fine[part] = value(corners[part], width / 2);
    }
    // Errors add up over the leaves of the tree, of which each is allowed a share that shrinks with its volume.
    if (std::abs(sum - coarse) <= 1e-11 * std::pow(width, dimension) + 1e-12 * std::abs(sum) || level == 12) return sum;
    sum = 0;
    for (int part = 0; part < parts; ++part) sum += refine(corners[part], width / 2, fine[part], level + 1);
    return sum;
  }

  const Law& law_;
  std::vector<Side> sides_;
  QuadratureRule rule_;
  PointArray points_;
  std::vector<double> weights_, logs_;
};
}  // namespace

void Law::log_density(ConstPoints, double*) const { lacks("log density"); }
void Law::score(ConstPoints, Points) const { lacks("score"); }
Moments Law::moments() const { lacks("closed-form moments"); }

void Law::cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const {
  check_edges(edges, dimension(), out.size());
  for_cells(edges, out.size(),
            [&](std::size_t cell, const std::vector<double>& lower, const std::vector<double>& upper) {
              out[cell] = integrate_density(*this, lower, upper);
            });
}

double integrate_density(const Law& law, const std::vector<double>& lower, const std::vector<double>& upper) {
  std::vector<Side> sides;
  for (std::size_t k = 0; k < lower.size(); ++k) sides.push_back({lower[k], upper[k]});
  return CellQuadrature(law, std::move(sides))();
}

void check_edges(const std::vector<std::vector<double>>& edges, int dimension, std::size_t cells) {
  std::size_t count = 1;
  for (const auto& axis : edges) {
    if (axis.size() < 2) throw UsageError("a grid axis needs at least two edges");
    count *= axis.size() - 1;
  }
  if (static_cast<int>(edges.size()) != dimension || count != cells) {
    throw UsageError(
        fmt::format("cell masses of a law in {} dimensions were asked for on a grid in {}, {} cells for {} values",
                    dimension, edges.size(), count, cells));
  }
}

LawPtr make_law(const Parameters& parameters, const LawContext& context) {
  return Registry<LawFactory>::instance().find("laws", parameters.kind())(parameters, context);
}

}  // namespace fortet::laws
