#include <numbers>

#include "fortet/laws/closed_forms.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

using Eigen::VectorXd;

Lognormal::Lognormal(VectorXd mean, VectorXd deviation)
    : Law(static_cast<int>(mean.size())), mean_(std::move(mean)), deviation_(std::move(deviation)) {
  if (deviation_.size() != mean_.size() || !(deviation_.array() > 0).all() || !deviation_.allFinite() ||
      !mean_.allFinite()) {
    throw ParameterError("deviation", "expected a mean and a positive deviation of the logarithm for each coordinate");
  }
}

void Lognormal::sample(const parallel::Stream& stream, std::int64_t first, Points out) const {
  stream.normals(first, 0, out);
  for (int k = 0; k < dimension(); ++k) {
    for (Index i = 0; i < out.size(); ++i) out(i, k) = std::exp(mean_[k] + deviation_[k] * out(i, k));
  }
}

void Lognormal::log_density(ConstPoints x, double* out) const {
  for (Index i = 0; i < x.size(); ++i) {
    double sum = 0;
    for (int k = 0; k < dimension(); ++k) {
      if (!(x(i, k) > 0)) {
        sum = -std::numeric_limits<double>::infinity();
        break;
      }
      const double z = (std::log(x(i, k)) - mean_[k]) / deviation_[k];
      sum -= z * z / 2 + std::log(x(i, k) * deviation_[k]) + std::log(2 * std::numbers::pi) / 2;
    }
    out[i] = sum;
  }
}

void Lognormal::score(ConstPoints x, Points out) const {
  for (int k = 0; k < dimension(); ++k) {
    const double variance = deviation_[k] * deviation_[k];
    for (Index i = 0; i < x.size(); ++i) out(i, k) = -(1 + (std::log(x(i, k)) - mean_[k]) / variance) / x(i, k);
  }
}

void Lognormal::cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const {
  check_edges(edges, dimension(), out.size());
  std::vector<std::vector<double>> masses(edges.size());
  for (int k = 0; k < dimension(); ++k) {
    const auto whitened = [&](double x) {
      return x > 0 ? (std::log(x) - mean_[k]) / deviation_[k] : -std::numeric_limits<double>::infinity();
    };
    for (std::size_t i = 0; i + 1 < edges[k].size(); ++i) {
      masses[k].push_back(normal_interval(whitened(edges[k][i]), whitened(edges[k][i + 1])));
    }
  }
  product_cell_masses(masses, out);
}

Moments Lognormal::moments() const {
  Moments result{VectorXd(dimension()), Eigen::MatrixXd::Zero(dimension(), dimension())};
  for (int k = 0; k < dimension(); ++k) {
    const double variance = deviation_[k] * deviation_[k];
    result.mean[k] = std::exp(mean_[k] + variance / 2);
    result.covariance(k, k) = result.mean[k] * result.mean[k] * std::expm1(variance);
  }
  return result;
}

void product_cell_masses(const std::vector<std::vector<double>>& masses, std::span<double> out) {
  for (std::size_t cell = 0; cell < out.size(); ++cell) {
    double mass = 1;
    std::size_t rest = cell;
    for (const auto& axis : masses) {
      mass *= axis[rest % axis.size()];
      rest /= axis.size();
    }
    out[cell] = mass;
  }
}

namespace {
const Registered<LawFactory> lognormal{
    {"laws",
     "lognormal",
     "X_k = exp(m_k + s_k Z_k), coordinates independent",
     "",
     {required("mean", {Type::reals}, "means m_k of the logarithms"),
      required("deviation", {Type::reals}, "deviations s_k of the logarithms").positive()}},
    [](const Parameters& p, const LawContext&) -> LawPtr {
      const auto mean = p.reals("mean"), deviation = p.reals("deviation");
      return std::make_shared<Lognormal>(
          Eigen::Map<const VectorXd>(mean.data(), static_cast<Eigen::Index>(mean.size())),
          Eigen::Map<const VectorXd>(deviation.data(), static_cast<Eigen::Index>(deviation.size())));
    }};
}  // namespace

}  // namespace fortet::laws
