/// Kinds gaussian, gaussian_mixture and dirac.
#include "fortet/base/linear_algebra.hpp"
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
VectorXd vector_of(const std::vector<double>& values) {
  return Eigen::Map<const VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

MatrixXd matrix_of(const std::string& key, const std::vector<std::vector<double>>& rows) {
  MatrixXd result(rows.size(), rows.empty() ? 0 : rows.front().size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<Eigen::Index>(rows[i].size()) != result.cols())
      throw ParameterError(key, "the rows differ in length");
    for (std::size_t j = 0; j < rows[i].size(); ++j) result(i, j) = rows[i][j];
  }
  return result;
}

MatrixXd from_deviations(const std::string& key, const std::vector<double>& deviations, Eigen::Index dimension) {
  for (double deviation : deviations) {
    if (!(deviation > 0) || !std::isfinite(deviation)) {
      throw ParameterError(key, fmt::format("expected positive standard deviations, found {}", deviation));
    }
  }
  if (deviations.size() == 1) return MatrixXd::Identity(dimension, dimension) * deviations[0] * deviations[0];
  if (static_cast<Eigen::Index>(deviations.size()) != dimension) {
    throw ParameterError(
        key, fmt::format("expected one deviation or {}, one per coordinate, found {}", dimension, deviations.size()));
  }
  return vector_of(deviations).array().square().matrix().asDiagonal();
}

/// One common test for a user's covariance: a deck asks for a density, so a singular one is a fault (point masses are
/// `dirac`).
void require_regular(const std::string& key, const MatrixXd& covariance, Eigen::Index dimension) {
  if (covariance.rows() != dimension || covariance.cols() != dimension) {
    throw ParameterError(key, fmt::format("expected a {0} x {0} matrix, found {1} x {2}", dimension, covariance.rows(),
                                          covariance.cols()));
  }
  if (!covariance.allFinite()) throw ParameterError(key, "the covariance is not finite");
  if ((covariance - covariance.transpose()).cwiseAbs().maxCoeff() > 1e-12 * covariance.cwiseAbs().maxCoeff()) {
    throw ParameterError(key, "the covariance is not symmetric");
  }
  const VectorXd eigenvalues = symmetric_eigenvalues(covariance);
  if (!(eigenvalues[0] > 1e-13 * eigenvalues.maxCoeff())) {
    throw ParameterError(
        key,
        fmt::format("the covariance is singular or not positive: its smallest eigenvalue is {:.3g}", eigenvalues[0]));
  }
}

LawPtr make_gaussian(const Parameters& p, const LawContext&) {
  if (!p.has("mean") && !p.has("dimension")) throw ParameterError("mean", "expected `mean` or `dimension`");
  const VectorXd mean = p.has("mean") ? vector_of(p.reals("mean")) : VectorXd::Zero(p.integer("dimension"));
  if (p.has("dimension") && p.integer("dimension") != mean.size()) {
    throw ParameterError("mean", fmt::format("expected {} coordinates, found {}", p.integer("dimension"), mean.size()));
  }
  if (p.has("covariance") && p.has("deviation"))
    throw ParameterError("deviation", "give `covariance` or `deviation`, not both");
  MatrixXd covariance = MatrixXd::Identity(mean.size(), mean.size());
  if (p.has("covariance")) covariance = matrix_of("covariance", p.matrix("covariance"));
  if (p.has("deviation")) covariance = from_deviations("deviation", p.reals("deviation"), mean.size());
  require_regular(p.has("deviation") ? "deviation" : "covariance", covariance, mean.size());
  return GaussianMixture::normal(mean, covariance);
}

LawPtr make_mixture(const Parameters& p, const LawContext&) {
  std::vector<VectorXd> means;
  for (const auto& row : p.is_list_of_lists("means") ? p.matrix("means") : std::vector<std::vector<double>>{})
    means.push_back(vector_of(row));
  if (means.empty()) {
    for (double mean : p.reals("means")) means.push_back(VectorXd::Constant(1, mean));
  }
  const Eigen::Index dimension = means.front().size();
  const std::size_t count = means.size();
  std::vector<double> weights(count, 1.0);
  if (p.has("weights")) weights = p.reals("weights");
  if (p.has("covariances") == p.has("deviations"))
    throw ParameterError("covariances", "expected one of `covariances` and `deviations`");
  std::vector<MatrixXd> covariances;
  if (p.has("deviations")) {
    if (p.is_list_of_lists("deviations")) {
      for (const auto& row : p.matrix("deviations"))
        covariances.push_back(from_deviations("deviations", row, dimension));
    } else {
      for (double deviation : p.reals("deviations"))
        covariances.push_back(from_deviations("deviations", {deviation}, dimension));
    }
    if (covariances.size() == 1) covariances.resize(count, covariances.front());
    if (covariances.size() != count) {
      throw ParameterError("deviations",
                           fmt::format("expected one entry or {}, one per mean, found {}", count, covariances.size()));
    }
  } else {
    // The rows of all covariances below each other: d rows for one common covariance, K d rows for one per mean.
    const MatrixXd rows = matrix_of("covariances", p.matrix("covariances"));
    const Eigen::Index size = static_cast<Eigen::Index>(count) * dimension;
    if (rows.cols() != dimension || (rows.rows() != dimension && rows.rows() != size)) {
      throw ParameterError("covariances", fmt::format("expected {} or {} rows of {} numbers, found {} of {}", dimension,
                                                      size, dimension, rows.rows(), rows.cols()));
    }
    for (std::size_t k = 0; k < count; ++k) {
      covariances.push_back(
          rows.middleRows(rows.rows() == dimension ? 0 : static_cast<Eigen::Index>(k) * dimension, dimension));
    }
  }
  for (const MatrixXd& covariance : covariances)
    require_regular(p.has("deviations") ? "deviations" : "covariances", covariance, dimension);
  return std::make_shared<GaussianMixture>(std::move(weights), std::move(means), std::move(covariances));
}

const Registered<LawFactory> gaussian{
    {"laws",
     "gaussian",
     "Normal law N(mean, covariance)",
     "",
     {optional("dimension", {Type::integer}, "number of coordinates; needed without `mean`")
          .between(1, most_dimensions),
      optional("mean", {Type::reals}, "mean, default: the origin"),
      optional("covariance", {Type::matrix}, "covariance matrix, default: identity"),
      optional("deviation", {Type::reals}, "instead of `covariance`: one standard deviation, or one per coordinate")
          .positive()}},
    make_gaussian};

const Registered<LawFactory> gaussian_mixture{
    {"laws",
     "gaussian_mixture",
     "Mixture of normal laws sum_k w_k N(m_k, C_k)",
     "",
     {optional("weights", {Type::reals}, "weights, made to sum to one; default: equal").nonnegative(),
      required("means", {Type::matrix, Type::reals},
               "means, one row per component (in one dimension: a list of numbers)"),
      optional("covariances", {Type::matrix},
               "covariance matrices below each other, d rows per component, or d rows for all"),
      optional("deviations", {Type::reals, Type::matrix},
               "instead: a standard deviation per component (one: for all), or rows of one per coordinate")}},
    make_mixture};

const Registered<LawFactory> dirac{{"laws", "dirac", "Point mass", "", {required("at", {Type::reals}, "the point")}},
                                   [](const Parameters& p, const LawContext&) -> LawPtr {
                                     const VectorXd at = vector_of(p.reals("at"));
                                     if (at.size() == 0 || !at.allFinite())
                                       throw ParameterError("at", "expected a point");
                                     return GaussianMixture::normal(at, MatrixXd::Zero(at.size(), at.size()));
                                   }};
}  // namespace

}  // namespace fortet::laws
