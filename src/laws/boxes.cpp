/// Kinds uniform and checkerboard: uniform laws on boxes.
#include "boxes.hpp"

#include "quadrature.hpp"

namespace fortet::laws {

namespace {
class Boxes : public Law {
 public:
  explicit Boxes(std::vector<Box> boxes) : Law(static_cast<int>(boxes.front().lower.size())), boxes_(std::move(boxes)) {
    for (const Box& box : boxes_) {
      double volume = 1;
      for (int k = 0; k < dimension(); ++k) volume *= box.upper[k] - box.lower[k];
      cumulative_.push_back(volume_ += volume);
    }
  }
  Capabilities capabilities() const override {
    Capabilities result;
    result.score = false;  // it would be zero inside and a surface measure on the boundary
    return result;
  }
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    stream.uniforms(first, 0, out);
    for (Index i = 0; i < out.size(); ++i) {
      const double u = boxes_.size() > 1 ? stream.uniform(first + i, 1) * volume_ : 0;
      const std::size_t chosen = std::upper_bound(cumulative_.begin(), cumulative_.end(), u) - cumulative_.begin();
      const Box& box = boxes_[std::min(chosen, boxes_.size() - 1)];
      for (int k = 0; k < dimension(); ++k) out(i, k) = box.lower[k] + out(i, k) * (box.upper[k] - box.lower[k]);
    }
  }
  void log_density(ConstPoints x, double* out) const override {
    for (Index i = 0; i < x.size(); ++i) {
      out[i] = -std::numeric_limits<double>::infinity();
      for (const Box& box : boxes_) {
        bool inside = true;
        for (int k = 0; k < dimension(); ++k) inside = inside && box.lower[k] <= x(i, k) && x(i, k) <= box.upper[k];
        if (inside) out[i] = -std::log(volume_);
      }
    }
  }
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, dimension(), out.size());
    for_cells(edges, out.size(),
              [&](std::size_t cell, const std::vector<double>& lower, const std::vector<double>& upper) {
                out[cell] = 0;
                for (const Box& box : boxes_) {
                  double overlap = 1;
                  for (int k = 0; k < dimension(); ++k) {
                    const double begin = std::max(box.lower[k], lower[k]), end = std::min(box.upper[k], upper[k]);
                    overlap *= begin < end ? end - begin : 0;
                  }
                  out[cell] += overlap / volume_;
                }
              });
  }
  Moments moments() const override {
    const int d = dimension();
    Moments result{Eigen::VectorXd::Zero(d), Eigen::MatrixXd::Zero(d, d)};
    double previous = 0;
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
      const double weight = (cumulative_[b] - previous) / volume_;
      previous = cumulative_[b];
      Eigen::VectorXd centre(d);
      for (int k = 0; k < d; ++k) {
        const double width = boxes_[b].upper[k] - boxes_[b].lower[k];
        centre[k] = boxes_[b].lower[k] + width / 2;
        result.covariance(k, k) += weight * width * width / 12;
      }
      result.mean += weight * centre;
      result.covariance += weight * centre * centre.transpose();
    }
    result.covariance -= result.mean * result.mean.transpose();
    return result;
  }

 private:
  std::vector<Box> boxes_;
  std::vector<double> cumulative_;
  double volume_ = 0;
};

const Registered<LawFactory> uniform{
    {"laws",
     "uniform",
     "Uniform law on a box",
     "",
     {required("lower", {Type::reals}, "lower corner"), required("upper", {Type::reals}, "upper corner")}},
    [](const Parameters& p, const LawContext&) -> LawPtr {
      const Box box{p.reals("lower"), p.reals("upper")};
      if (box.lower.size() != box.upper.size() || box.lower.empty()) {
        throw ParameterError("upper", fmt::format("expected {} coordinates as in `lower`, found {}", box.lower.size(),
                                                  box.upper.size()));
      }
      for (std::size_t k = 0; k < box.lower.size(); ++k) {
        if (!(box.lower[k] < box.upper[k]) || !std::isfinite(box.upper[k] - box.lower[k])) {
          throw ParameterError("upper",
                               fmt::format("expected more than lower = {}, found {}", box.lower[k], box.upper[k]));
        }
      }
      return uniform_on({box});
    }};

const Registered<LawFactory> checkerboard{
    {"laws",
     "checkerboard",
     "Uniform law on the eight dark squares, of side 2, of a 4 x 4 board on [-4, 4]^2",
     "Grathwohl et al., 2019 (ffjord)",
     {defaulted("variant", {Type::choice}, "ffjord", "published variant: ffjord").one_of({"ffjord"})}},
    [](const Parameters&, const LawContext&) -> LawPtr {
      // x = 4u - 2, y = v - {0 or 2} + (floor(x) mod 2), both times 2.
      std::vector<Box> boxes;
      for (int column = -2; column < 2; ++column) {
        for (int row : {0, -2}) {
          const double x = 2.0 * column, y = 2.0 * (row + (column & 1));
          boxes.push_back({{x, y}, {x + 2, y + 2}});
        }
      }
      return uniform_on(std::move(boxes));
    }};
}  // namespace

LawPtr uniform_on(std::vector<Box> boxes) { return std::make_shared<Boxes>(std::move(boxes)); }

}  // namespace fortet::laws
