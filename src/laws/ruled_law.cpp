#include "ruled_law.hpp"

#include "quadrature.hpp"

namespace fortet::laws {

namespace {
constexpr int nodes =
    1 << 14;  // midpoint rule over u: the kinks where a line passes a corner of a cell leave an error of order 1e-8

class RuledLaw : public Law {
 public:
  explicit RuledLaw(RuledFamily family) : Law(2), family_(std::move(family)) {}
  Capabilities capabilities() const override {
    Capabilities result;
    result.log_density = result.score = false;
    return result;
  }
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    PointArray normals(out.size(), 2), uniforms(out.size(), 3);
    stream.normals(first, 0, normals);
    stream.uniforms(first, 1, uniforms);
    for (Index i = 0; i < out.size(); ++i) {
      double choice = uniforms(i, 0);
      std::size_t branch = 0;
      while (branch + 1 < family_.weights.size() && choice >= family_.weights[branch])
        choice -= family_.weights[branch++];
      const auto [u, v] = family_.draw({uniforms(i, 1), uniforms(i, 2)}, {normals(i, 0), normals(i, 1)});
      const auto [origin, direction] = family_.ruling(branch, u);
      for (int k = 0; k < 2; ++k) out(i, k) = origin[k] + v * direction[k];
    }
  }
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, 2, out.size());
    std::fill(out.begin(), out.end(), 0.0);
    std::vector<double> cuts;
    for_rulings([&](double weight, const Ruling& line) {
      // The line is cut at all edges it crosses; each part lies in one cell, that of its midpoint.
      cuts.assign({family_.lowest, family_.highest});
      for (int k = 0; k < 2; ++k) {
        for (double edge : edges[k]) {
          const double v = (edge - line.origin[k]) / line.direction[k];
          if (v > family_.lowest && v < family_.highest) cuts.push_back(v);
        }
      }
      std::sort(cuts.begin(), cuts.end());
      for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
        std::size_t cell = 0, stride = 1;
        bool is_inside = true;
        for (int k = 0; k < 2; ++k) {
          const double x = line.origin[k] + (cuts[i] + cuts[i + 1]) / 2 * line.direction[k];
          const auto above = std::upper_bound(edges[k].begin(), edges[k].end(), x);
          is_inside = is_inside && above != edges[k].begin() && above != edges[k].end();
          cell += stride * static_cast<std::size_t>(above - edges[k].begin() - 1);
          stride *= edges[k].size() - 1;
        }
        if (is_inside) out[cell] += weight * family_.interval(cuts[i], cuts[i + 1]);
      }
    });
  }
  Moments moments() const override {
    Moments result{Eigen::VectorXd::Zero(2), Eigen::MatrixXd::Zero(2, 2)};
    for_rulings([&](double weight, const Ruling& line) {
      for (int i = 0; i < 2; ++i) {
        const double x = line.origin[i] + family_.mean * line.direction[i];
        result.mean[i] += weight * x;
        for (int j = 0; j < 2; ++j) {
          const double y = line.origin[j] + family_.mean * line.direction[j];
          result.covariance(i, j) += weight * (x * y + family_.variance * line.direction[i] * line.direction[j]);
        }
      }
    });
    result.covariance -= result.mean * result.mean.transpose();
    return result;
  }

 private:
  template <class Visit>
  void for_rulings(Visit visit) const {
    const double width = (family_.end - family_.begin) / nodes;
    for (std::size_t branch = 0; branch < family_.weights.size(); ++branch) {
      for (int i = 0; i < nodes; ++i) {
        const double u = family_.begin + (i + 0.5) * width;
        visit(family_.weights[branch] * width * family_.density(u), family_.ruling(branch, u));
      }
    }
  }
  RuledFamily family_;
};
}  // namespace

LawPtr ruled_law(RuledFamily family) { return std::make_shared<RuledLaw>(std::move(family)); }

}  // namespace fortet::laws
