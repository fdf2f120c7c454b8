#include "interpolant_mixture.hpp"

#include "fortet/base/linear_algebra.hpp"
#include "fortet/base/vector_math.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Coefficients = Interpolant::Coefficients;

namespace {
constexpr Index tile = 128;  // points at a time: the running values of a tile stay in the first-level cache

bool is_isotropic(const MatrixXd& c) { return c.isDiagonal(0) && (c.diagonal().array() == c(0, 0)).all(); }

[[noreturn]] void singular(double t) {
  throw UsageError(
      fmt::format("the law of the interpolant is singular at time {} (points that are not smoothed there), so that it "
                  "has no velocity: smooth the points, choose a gamma that does not vanish, or end before",
                  t));
}

MatrixXd symmetric_cross(const Pair& pair) { return pair.c01 + pair.c01.transpose(); }

MatrixXd covariance(const Pair& pair, const Coefficients& c) {
  const Eigen::Index d = pair.m0.size();
  return c.alpha * c.alpha * pair.c00 + c.alpha * c.beta * symmetric_cross(pair) + c.beta * c.beta * pair.c11 +
         c.gamma * c.gamma * MatrixXd::Identity(d, d);
}
}  // namespace

std::vector<Pair> independent_pairs(const laws::GaussianMixture& source, const laws::GaussianMixture& target) {
  const std::size_t j = source.weights().size(), k = target.weights().size();
  constexpr std::size_t most = 4000000;
  if (j * k > most) {
    throw ParameterError("target",
                         fmt::format("{} components of the source times {} of the target make more than {} pairs: take "
                                     "fewer points",
                                     j, k, most));
  }
  const MatrixXd none = MatrixXd::Zero(source.dimension(), source.dimension());
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < j; ++a) {
    for (std::size_t b = 0; b < k; ++b) {
      pairs.push_back({source.weights()[a] * target.weights()[b], source.means()[a], target.means()[b],
                       source.covariances()[a], none, target.covariances()[b]});
    }
  }
  return pairs;
}

std::vector<Pair> joint_pairs(const laws::GaussianMixture& joint) {
  const int d = joint.dimension() / 2;
  std::vector<Pair> pairs;
  for (std::size_t n = 0; n < joint.weights().size(); ++n) {
    const VectorXd mean = joint.means()[n];
    const MatrixXd& c = joint.covariances()[n];
    pairs.push_back({joint.weights()[n], mean.head(d), mean.tail(d), c.topLeftCorner(d, d), c.topRightCorner(d, d),
                     c.bottomRightCorner(d, d)});
  }
  return pairs;
}

std::vector<Pair> target_pairs(const laws::GaussianMixture& target) {
  const int d = target.dimension();
  const MatrixXd none = MatrixXd::Zero(d, d);
  std::vector<Pair> pairs;
  for (std::size_t k = 0; k < target.weights().size(); ++k) {
    pairs.push_back({target.weights()[k], VectorXd::Zero(d), target.means()[k], none, none, target.covariances()[k]});
  }
  return pairs;
}

laws::LawPtr interpolant_law(const std::vector<Pair>& pairs, const Coefficients& c) {
  std::vector<double> weights;
  std::vector<VectorXd> means;
  std::vector<MatrixXd> covariances;
  for (const Pair& pair : pairs) {
    weights.push_back(pair.weight);
    means.push_back(c.alpha * pair.m0 + c.beta * pair.m1);
    covariances.push_back(covariance(pair, c));
  }
  return std::make_shared<laws::GaussianMixture>(std::move(weights), std::move(means), std::move(covariances));
}

InterpolantMixture::InterpolantMixture(const std::vector<Pair>& pairs, const Coefficients& c, double score_weight,
                                       double t)
    : dimension_(static_cast<int>(pairs.front().m0.size())) {
  isotropic_ = std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) {
    return is_isotropic(pair.c00) && is_isotropic(pair.c01) && is_isotropic(pair.c11);
  });
  for (const Pair& pair : pairs) {
    isotropic_ ? add_isotropic(pair, c, score_weight, t) : add_full(pair, c, score_weight, t);
  }
}

void InterpolantMixture::add_isotropic(const Pair& pair, const Coefficients& c, double score_weight, double t) {
  const double c00 = pair.c00(0, 0), c01 = pair.c01(0, 0), c11 = pair.c11(0, 0);
  const double variance =
      c.alpha * c.alpha * c00 + 2 * c.alpha * c.beta * c01 + c.beta * c.beta * c11 + c.gamma * c.gamma;
  if (!(variance > 0)) singular(t);
  const double shared = c.alpha_rate * c.alpha * c00 + (c.alpha_rate * c.beta + c.beta_rate * c.alpha) * c01 +
                        c.beta_rate * c.beta * c11 + c.half_variance_rate;
  const double gain = (shared - score_weight) / variance;
  offsets_.push_back(std::log(pair.weight) - 0.5 * dimension_ * std::log(variance));
  precisions_.push_back(1 / variance);
  gains_.push_back(gain);
  traces_.push_back(dimension_ * gain);
  for (int a = 0; a < dimension_; ++a) {
    const double mean = c.alpha * pair.m0[a] + c.beta * pair.m1[a];
    means_.push_back(mean);
    constants_.push_back(c.alpha_rate * pair.m0[a] + c.beta_rate * pair.m1[a] - gain * mean);
  }
}

void InterpolantMixture::add_full(const Pair& pair, const Coefficients& c, double score_weight, double t) {
  const MatrixXd identity = MatrixXd::Identity(dimension_, dimension_), variance = covariance(pair, c);
  const std::optional<MatrixXd> lower = cholesky(variance);
  const VectorXd pivots = lower ? VectorXd(lower->diagonal()) : VectorXd::Zero(dimension_);
  // Rounding makes a singular matrix pass the factorisation with a pivot of the size of the rounding error.
  if (!(pivots.array().square() > 1e-14 * variance.diagonal().array()).all()) singular(t);
  const MatrixXd shared = c.alpha_rate * c.alpha * pair.c00 + c.alpha_rate * c.beta * pair.c01 +
                          c.beta_rate * c.alpha * pair.c01.transpose() + c.beta_rate * c.beta * pair.c11 +
                          (c.half_variance_rate - score_weight) * identity;
  const MatrixXd precision = solve_cholesky(*lower, identity), gain = shared * precision;
  const VectorXd mean = c.alpha * pair.m0 + c.beta * pair.m1;
  const VectorXd constant = c.alpha_rate * pair.m0 + c.beta_rate * pair.m1 - gain * mean;
  offsets_.push_back(std::log(pair.weight) - pivots.array().log().sum());
  traces_.push_back(gain.trace());
  for (int a = 0; a < dimension_; ++a) {
    means_.push_back(mean[a]);
    constants_.push_back(constant[a]);
    for (int b = 0; b < dimension_; ++b) {
      precisions_.push_back(precision(a, b));
      gains_.push_back(gain(a, b));
    }
  }
}

/// Per thread: d rows of `tile` numbers each.
struct InterpolantMixture::Scratch {
  std::vector<double> x, own, own_score, velocity, score;
  void resize(int d) {
    for (auto* rows : {&x, &own, &own_score, &velocity, &score}) rows->resize(static_cast<std::size_t>(d) * tile);
  }
};

namespace {
/// out = M (x - centre) for every point of a tile; M is a number or d x d by rows. Without a centre M x + out.
template <int fixed>
inline void whiten(int d, bool isotropic, const double* matrix, const double* centre, const double* x, double* out) {
  const int n = fixed ? fixed : d;
  for (int a = 0; a < n; ++a) {
    double* __restrict row = out + a * tile;
    if (isotropic) {
      const double* __restrict from = x + a * tile;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) row[i] = matrix[0] * (from[i] - centre[a]);
      continue;
    }
#pragma omp simd
    for (Index i = 0; i < tile; ++i) row[i] = matrix[a * n] * (x[i] - centre[0]);
    for (int b = 1; b < n; ++b) {
      const double* __restrict from = x + b * tile;
      const double entry = matrix[a * n + b];
#pragma omp simd
      for (Index i = 0; i < tile; ++i) row[i] += entry * (from[i] - centre[b]);
    }
  }
}

/// q = offset - 1/2 (x - mean) . y for y = C^{-1} (x - mean).
template <int fixed>
inline void log_weight(int d, double offset, const double* mean, const double* x, const double* y, double* q) {
  const int n = fixed ? fixed : d;
#pragma omp simd
  for (Index i = 0; i < tile; ++i) q[i] = offset;
  for (int a = 0; a < n; ++a) {
    const double* __restrict from = x + a * tile, * __restrict row = y + a * tile;
#pragma omp simd
    for (Index i = 0; i < tile; ++i) q[i] -= 0.5 * (from[i] - mean[a]) * row[i];
  }
}
}  // namespace

/// Log-sum-exp over the components on one tile, always a full one: loops of fixed length give a point the same bits
/// wherever it stands. Two passes: the largest exponent first, then the sums.
template <int fixed>
void InterpolantMixture::evaluate_tile(const double* x, double* velocity, double* divergence, Scratch& scratch) const {
  const int d = fixed ? fixed : dimension_;
  const std::size_t matrix = isotropic_ ? 1 : static_cast<std::size_t>(d) * d, components = offsets_.size();
  alignas(64) double largest[tile], sum[tile], q[tile], r[tile], inner[tile];
  double *y = scratch.own_score.data(), *own = scratch.own.data(), *score = scratch.score.data();
  const auto exponent = [&](std::size_t n) {
    const double* mean = means_.data() + n * d;
    whiten<fixed>(d, isotropic_, precisions_.data() + n * matrix, mean, x, y);
    log_weight<fixed>(d, offsets_[n], mean, x, y, q);
  };
  std::fill_n(largest, tile, -std::numeric_limits<double>::infinity());
  for (std::size_t n = 0; components > 1 && n < components; ++n) {
    exponent(n);
#pragma omp simd
    for (Index i = 0; i < tile; ++i) largest[i] = q[i] > largest[i] ? q[i] : largest[i];
  }
  std::fill_n(sum, tile, 0.0);
  std::fill_n(velocity, d * tile, 0.0);
  if (divergence) {
    std::fill_n(divergence, tile, 0.0);
    std::fill_n(score, d * tile, 0.0);
  }
  for (std::size_t n = 0; n < components; ++n) {
    if (components > 1 || divergence) exponent(n);
#pragma omp simd
    for (Index i = 0; i < tile; ++i) {
      r[i] = components > 1 ? vectorised::exp(q[i] - largest[i]) : 1.0;
      sum[i] += r[i];
    }
    const double *gain = gains_.data() + n * matrix, *constant = constants_.data() + n * d;
    for (int a = 0; a < d; ++a) {
      double* __restrict row = own + a * tile, * __restrict total = velocity + a * tile;
      const double* line = isotropic_ ? gain : gain + a * d;
      const double* __restrict first = isotropic_ ? x + a * tile : x;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) row[i] = constant[a] + line[0] * first[i];
      for (int b = 1; b < d && !isotropic_; ++b) {
        const double* __restrict from = x + b * tile;
#pragma omp simd
        for (Index i = 0; i < tile; ++i) row[i] += line[b] * from[i];
      }
#pragma omp simd
      for (Index i = 0; i < tile; ++i) total[i] += r[i] * row[i];
    }
    if (!divergence) continue;
    // div sum_n r_n u_n = sum_n r_n (tr A_n + u_n . s_n) - u . s with s_n = -y the score of the component.
    std::fill_n(inner, tile, traces_[n]);
    for (int a = 0; a < d; ++a) {
      const double* __restrict row = own + a * tile, * __restrict minus = y + a * tile;
      double* __restrict total = score + a * tile;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) {
        inner[i] -= row[i] * minus[i];
        total[i] -= r[i] * minus[i];
      }
    }
#pragma omp simd
    for (Index i = 0; i < tile; ++i) divergence[i] += r[i] * inner[i];
  }
#pragma omp simd
  for (Index i = 0; i < tile; ++i) q[i] = 1 / sum[i];
  for (int a = 0; a < d; ++a) {
    double* __restrict total = velocity + a * tile;
#pragma omp simd
    for (Index i = 0; i < tile; ++i) total[i] *= q[i];
  }
  if (!divergence) return;
#pragma omp simd
  for (Index i = 0; i < tile; ++i) divergence[i] *= q[i];
  for (int a = 0; a < d; ++a) {
    const double* __restrict u = velocity + a * tile, * __restrict s = score + a * tile;
#pragma omp simd
    for (Index i = 0; i < tile; ++i) divergence[i] -= u[i] * s[i] * q[i];
  }
}

void InterpolantMixture::evaluate(ConstPoints x, const Points* velocity, double* divergence) const {
  thread_local Scratch scratch;
  scratch.resize(dimension_);
  alignas(64) double divergences[tile];
  const auto kernel = dimension_ == 1   ? &InterpolantMixture::evaluate_tile<1>
                      : dimension_ == 2 ? &InterpolantMixture::evaluate_tile<2>
                      : dimension_ == 3 ? &InterpolantMixture::evaluate_tile<3>
                                        : &InterpolantMixture::evaluate_tile<0>;
  for (Index begin = 0; begin < x.size(); begin += tile) {
    const Index n = std::min(tile, x.size() - begin);
    for (int a = 0; a < dimension_; ++a) {
      double* column = scratch.x.data() + a * tile;
      std::copy_n(x.coordinate(a) + begin, n, column);
      std::fill(column + n, column + tile, column[0]);
    }
    (this->*kernel)(scratch.x.data(), scratch.velocity.data(), divergence ? divergences : nullptr, scratch);
    for (int a = 0; velocity && a < dimension_; ++a) {
      std::copy_n(scratch.velocity.data() + a * tile, n, velocity->coordinate(a) + begin);
    }
    if (divergence) std::copy_n(divergences, n, divergence + begin);
  }
}

}  // namespace fortet::processes
