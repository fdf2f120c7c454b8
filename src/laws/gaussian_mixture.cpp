#include "fortet/laws/gaussian_mixture.hpp"

#include "fortet/base/vector_math.hpp"
#include "gaussian_tables.hpp"
#include "isotropic_mixture.hpp"

namespace fortet::laws {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
constexpr Index tile = 128;  // points at a time: the running values of a tile stay in the first-level cache

void require_density(bool exists) {
  if (!exists) throw UsageError("a law with point masses or a singular covariance has no density and no score");
}

/// q[i] = log(weight) + log N(x_i; m, C) of component k; z, if given, receives the whitened differences L^{-1}(x - m),
/// d rows of `tile`.
template <int fixed>
inline void component_log_density(const GaussianTables& t, std::size_t k, const double* x, double* __restrict q,
                                  double* __restrict z) {
  const int d = fixed ? fixed : t.dimension;
  const double* mean = t.means.data() + k * t.dimension;
  const double* factor = t.factors.data() + k * t.factor_size;
  const double offset = t.offsets[k];
  if (fixed && t.shape == CovarianceShape::isotropic) {
    const double half = 0.5 * factor[0] * factor[0];
#pragma omp simd
    for (Index i = 0; i < tile; ++i) {
      double square = 0;
      for (int a = 0; a < fixed; ++a) square += (x[a * tile + i] - mean[a]) * (x[a * tile + i] - mean[a]);
      q[i] = offset - half * square;
    }
    return;
  }
#pragma omp simd
  for (Index i = 0; i < tile; ++i) q[i] = offset;
  for (int a = 0; a < d; ++a) {
    double* __restrict row = z + a * tile;
    if (t.shape == CovarianceShape::full) {
      const double* line = factor + a * (a + 1) / 2;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) row[i] = line[0] * (x[i] - mean[0]);
      for (int b = 1; b <= a; ++b) {
#pragma omp simd
        for (Index i = 0; i < tile; ++i) row[i] += line[b] * (x[b * tile + i] - mean[b]);
      }
    } else {
      const double inverse = factor[t.shape == CovarianceShape::isotropic ? 0 : a];
#pragma omp simd
      for (Index i = 0; i < tile; ++i) row[i] = inverse * (x[a * tile + i] - mean[a]);
    }
#pragma omp simd
    for (Index i = 0; i < tile; ++i) q[i] -= 0.5 * row[i] * row[i];
  }
}

/// score[a] += r[i] * (P (m - x))_a of component k, from the whitened differences (or directly when isotropic in a
/// fixed dimension).
template <int fixed>
inline void add_component_score(const GaussianTables& t, std::size_t k, const double* x, const double* __restrict r,
                                const double* __restrict z, double* __restrict score) {
  const int d = fixed ? fixed : t.dimension;
  const double* mean = t.means.data() + k * t.dimension;
  const double* factor = t.factors.data() + k * t.factor_size;
  for (int a = 0; a < d; ++a) {
    double* __restrict sum = score + a * tile;
    if (fixed && t.shape == CovarianceShape::isotropic) {
      const double precision = factor[0] * factor[0], centre = mean[a];
      const double* __restrict column = x + a * tile;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) sum[i] += r[i] * precision * (centre - column[i]);
    } else if (t.shape == CovarianceShape::full) {
      for (int b = a; b < d; ++b) {
        const double entry = factor[b * (b + 1) / 2 + a];
        const double* __restrict row = z + b * tile;
#pragma omp simd
        for (Index i = 0; i < tile; ++i) sum[i] -= r[i] * entry * row[i];
      }
    } else {
      const double inverse = factor[t.shape == CovarianceShape::isotropic ? 0 : a];
      const double* __restrict row = z + a * tile;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) sum[i] -= r[i] * inverse * row[i];
    }
  }
}

/// Per thread: d rows of `tile` numbers each.
struct Scratch {
  std::vector<double> x, z, total, own, score, log_density, divergence;
  void resize(int d) {
    for (auto* rows : {&x, &z, &total, &own, &score}) rows->resize(static_cast<std::size_t>(d) * tile);
    log_density.resize(tile), divergence.resize(tile);
  }
};

/// Log-sum-exp over the components on one tile, always a full one: loops of fixed length give a point the same bits
/// wherever it stands. Two passes: the largest exponent first, then the sums; evaluating the exponents twice is cheaper
/// than storing them. Any of log_density, score (d columns), divergence may be null.
template <int fixed>
void evaluate_tile(const GaussianTables& t, const double* x, double* __restrict log_density, double* __restrict score,
                   double* __restrict divergence, Scratch& scratch) {
  const int d = t.dimension;
  alignas(64) double largest[tile], sum[tile], q[tile], r[tile];
  double* z = scratch.z.data();
  double* total = scratch.total.data();
  const std::size_t components = t.offsets.size();
  if (components == 1) {
    component_log_density<fixed>(t, 0, x, q, z);
    std::copy_n(q, tile, largest);
    std::fill_n(sum, tile, 1.0);
  } else {
    std::fill_n(largest, tile, -std::numeric_limits<double>::infinity());
    for (std::size_t k = 0; k < components; ++k) {
      component_log_density<fixed>(t, k, x, q, z);
#pragma omp simd
      for (Index i = 0; i < tile; ++i) largest[i] = q[i] > largest[i] ? q[i] : largest[i];
    }
    std::fill_n(sum, tile, 0.0);
  }
  if (score) std::fill_n(total, d * tile, 0.0);
  if (divergence) std::fill_n(divergence, tile, 0.0);
  for (std::size_t k = 0; k < components; ++k) {
    if (components > 1) {
      component_log_density<fixed>(t, k, x, q, z);
#pragma omp simd
      for (Index i = 0; i < tile; ++i) {
        r[i] = vectorised::exp(q[i] - largest[i]);
        sum[i] += r[i];
      }
    } else {
      std::fill_n(r, tile, 1.0);
    }
    if (score) add_component_score<fixed>(t, k, x, r, z, total);
    if (divergence) {
      // div s = sum_k r_k (|s_k|^2 - tr P_k) - |s|^2
      double* own = scratch.own.data();
      std::fill_n(own, d * tile, 0.0);
      alignas(64) double one[tile];
      std::fill_n(one, tile, 1.0);
      add_component_score<fixed>(t, k, x, one, z, own);
      for (int a = 0; a < d; ++a) {
        for (Index i = 0; i < tile; ++i) divergence[i] += r[i] * own[a * tile + i] * own[a * tile + i];
      }
      for (Index i = 0; i < tile; ++i) divergence[i] -= r[i] * t.precision_traces[k];
    }
  }
  if (log_density) {
#pragma omp simd
    for (Index i = 0; i < tile; ++i) log_density[i] = largest[i] + (components > 1 ? vectorised::log(sum[i]) : 0.0);
  }
  if (score) {
#pragma omp simd
    for (Index i = 0; i < tile; ++i) q[i] = 1 / sum[i];
    for (int a = 0; a < d; ++a) {
      double* __restrict column = score + a * tile;
#pragma omp simd
      for (Index i = 0; i < tile; ++i) column[i] = total[a * tile + i] * q[i];
    }
    if (divergence) {
      for (Index i = 0; i < tile; ++i) divergence[i] *= q[i];
      for (int a = 0; a < d; ++a) {
        for (Index i = 0; i < tile; ++i) divergence[i] -= score[a * tile + i] * score[a * tile + i];
      }
    }
  }
}

void evaluate(const GaussianTables& t, ConstPoints x, double* log_density, Points* score, double* divergence) {
  const int d = t.dimension;
  thread_local Scratch scratch;
  scratch.resize(d);
  const auto kernel = d == 1   ? evaluate_tile<1>
                      : d == 2 ? evaluate_tile<2>
                      : d == 3 ? evaluate_tile<3>
                               : evaluate_tile<0>;
  const bool is_isotropic = t.shape == CovarianceShape::isotropic && t.offsets.size() > 1;
  const auto in_registers = !is_isotropic ? nullptr
                            : d == 1      ? isotropic_mixture<1, tile>
                            : d == 2      ? isotropic_mixture<2, tile>
                            : d == 3      ? isotropic_mixture<3, tile>
                                          : nullptr;
  for (Index begin = 0; begin < x.size(); begin += tile) {
    const Index n = std::min(tile, x.size() - begin);
    for (int a = 0; a < d; ++a) {
      double* column = scratch.x.data() + a * tile;
      std::copy_n(x.coordinate(a) + begin, n, column);
      std::fill(column + n, column + tile, column[0]);
    }
    if (in_registers && !divergence) {
      in_registers(t, scratch.x.data(), log_density ? scratch.log_density.data() : nullptr,
                   score ? scratch.score.data() : nullptr);
    } else {
      kernel(t, scratch.x.data(), log_density ? scratch.log_density.data() : nullptr,
             score ? scratch.score.data() : nullptr, divergence ? scratch.divergence.data() : nullptr, scratch);
    }
    if (log_density) std::copy_n(scratch.log_density.data(), n, log_density + begin);
    if (divergence) std::copy_n(scratch.divergence.data(), n, divergence + begin);
    for (int a = 0; score && a < d; ++a) std::copy_n(scratch.score.data() + a * tile, n, score->coordinate(a) + begin);
  }
}
}  // namespace

struct GaussianMixture::Tables : GaussianTables {};

namespace {
/// All means in one table.
std::vector<double> table_of(const std::vector<VectorXd>& means) {
  if (means.empty()) throw ParameterError("means", "expected at least one component");
  const Eigen::Index d = means.front().size();
  std::vector<double> table;
  table.reserve(means.size() * static_cast<std::size_t>(d));
  for (std::size_t k = 0; k < means.size(); ++k) {
    if (means[k].size() != d) {
      throw ParameterError("means",
                           fmt::format("mean {} has {} coordinates, the first has {}", k + 1, means[k].size(), d));
    }
    table.insert(table.end(), means[k].data(), means[k].data() + d);
  }
  return table;
}

int dimension_of(const std::vector<VectorXd>& means) { return means.empty() ? 0 : static_cast<int>(means[0].size()); }
}  // namespace

std::shared_ptr<const GaussianMixture::Tables> GaussianMixture::tables_of(std::vector<double> weights,
                                                                          std::vector<double> means,
                                                                          std::vector<MatrixXd> covariances,
                                                                          int dimension) {
  double total = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (!(weights[k] >= 0) || !std::isfinite(weights[k])) {
      throw ParameterError("weights",
                           fmt::format("weight {} of component {} is not a nonnegative number", weights[k], k + 1));
    }
    total += weights[k];
  }
  if (!(total > 0)) throw ParameterError("weights", "all weights are zero");
  for (double& weight : weights) weight /= total;
  return std::make_shared<Tables>(
      Tables{make_gaussian_tables(std::move(weights), std::move(means), std::move(covariances), dimension)});
}

GaussianMixture::GaussianMixture(std::shared_ptr<const Tables> tables)
    : Law(tables->dimension), tables_(std::move(tables)) {}

GaussianMixture::GaussianMixture(std::vector<double> weights, std::vector<VectorXd> means,
                                 std::vector<MatrixXd> covariances)
    : Law(dimension_of(means)) {
  std::vector<double> table = table_of(means);
  if (weights.size() != means.size()) {
    throw ParameterError("weights",
                         fmt::format("expected {} weights, one per mean, found {}", means.size(), weights.size()));
  }
  if (covariances.size() != means.size()) {
    throw ParameterError("covariances", fmt::format("expected {} covariances, one per mean, found {}", means.size(),
                                                    covariances.size()));
  }
  tables_ = tables_of(std::move(weights), std::move(table), std::move(covariances), dimension());
}

std::shared_ptr<const GaussianMixture> GaussianMixture::equal(std::vector<double> weights, std::vector<double> means,
                                                              MatrixXd covariance) {
  const int d = static_cast<int>(covariance.rows());
  std::vector<MatrixXd> one{std::move(covariance)};
  return std::shared_ptr<const GaussianMixture>(
      new GaussianMixture(tables_of(std::move(weights), std::move(means), std::move(one), d)));
}

std::shared_ptr<const GaussianMixture> GaussianMixture::normal(VectorXd mean, MatrixXd covariance) {
  return std::make_shared<GaussianMixture>(std::vector<double>{1.0}, std::vector<VectorXd>{std::move(mean)},
                                           std::vector<MatrixXd>{std::move(covariance)});
}

const std::vector<double>& GaussianMixture::weights() const { return tables_->weights; }
MeansView GaussianMixture::means() const { return {tables_->means, dimension()}; }
CovariancesView GaussianMixture::covariances() const { return {tables_->covariances, tables_->weights.size()}; }

std::shared_ptr<const GaussianMixture> GaussianMixture::affine(const MatrixXd& a, const VectorXd& c,
                                                               const MatrixXd& q) const {
  const GaussianTables& t = *tables_;
  const std::size_t count = t.weights.size(), d = static_cast<std::size_t>(c.size());
  std::vector<double> means(count * d);
  for (std::size_t k = 0; k < count; ++k) {
    const VectorXd moved = a * t.mean(k) + c;
    std::copy_n(moved.data(), d, means.data() + k * d);
  }
  std::vector<MatrixXd> covariances;
  for (const MatrixXd& own : t.covariances) {
    const MatrixXd covariance = a * own * a.transpose() + q;
    covariances.push_back((covariance + covariance.transpose()) / 2);
  }
  return std::shared_ptr<const GaussianMixture>(
      new GaussianMixture(tables_of(t.weights, std::move(means), std::move(covariances), static_cast<int>(d))));
}

Capabilities GaussianMixture::capabilities() const {
  Capabilities result;
  result.log_density = result.score = tables_->has_density;
  result.cell_masses = tables_->has_density || tables_->shape != CovarianceShape::full;
  return result;
}

void GaussianMixture::log_density(ConstPoints x, double* out) const {
  require_density(tables_->has_density);
  evaluate(*tables_, x, out, nullptr, nullptr);
}

void GaussianMixture::score(ConstPoints x, Points out) const {
  require_density(tables_->has_density);
  evaluate(*tables_, x, nullptr, &out, nullptr);
}

void GaussianMixture::score_divergence(ConstPoints x, double* out) const {
  require_density(tables_->has_density);
  thread_local std::vector<double> storage;
  storage.resize(static_cast<std::size_t>(x.size()) * dimension());
  Points score(storage.data(), x.size(), dimension());
  evaluate(*tables_, x, nullptr, &score, out);
}

void GaussianMixture::sample(const parallel::Stream& stream, std::int64_t first, Points out) const {
  // Step 0 draws the component, step 1 the normal variables.
  const GaussianTables& t = *tables_;
  const int d = dimension();
  thread_local std::vector<double> storage;
  storage.resize(block_size * (d + 1));
  for (Index begin = 0; begin < out.size(); begin += block_size) {
    const Index n = std::min(block_size, out.size() - begin);
    const Points normals(storage.data(), n, d, block_size), choice(storage.data() + d * block_size, n, 1, block_size);
    stream.normals(first + begin, 1, normals);
    if (t.weights.size() > 1) stream.uniforms(first + begin, 0, choice);
    for (Index i = 0; i < n; ++i) {
      std::size_t k = 0;
      if (t.weights.size() > 1) {
        k = std::upper_bound(t.cumulative.begin(), t.cumulative.end(), choice(i, 0)) - t.cumulative.begin();
        k = std::min(k, t.weights.size() - 1);
      }
      const MatrixXd& root = t.root(k);
      const double* const mean = t.means.data() + k * static_cast<std::size_t>(d);
      for (int a = 0; a < d; ++a) {
        double value = mean[a];
        for (int b = 0; b <= (t.shape == CovarianceShape::full ? d - 1 : a); ++b) value += root(a, b) * normals(i, b);
        out(begin + i, a) = value;
      }
    }
  }
}

void GaussianMixture::cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const {
  if (!capabilities().cell_masses) {
    throw UsageError("cell masses of a singular normal law are known for point masses and diagonal covariances only");
  }
  gaussian_cell_masses(*tables_, edges, out);
}

Moments GaussianMixture::moments() const {
  Moments result{VectorXd::Zero(dimension()), MatrixXd::Zero(dimension(), dimension())};
  const GaussianTables& t = *tables_;
  for (std::size_t k = 0; k < t.weights.size(); ++k) result.mean += t.weights[k] * t.mean(k);
  for (std::size_t k = 0; k < t.weights.size(); ++k) {
    const VectorXd difference = t.mean(k) - result.mean;
    result.covariance += t.weights[k] * (t.covariance(k) + difference * difference.transpose());
  }
  return result;
}

std::shared_ptr<const GaussianMixture> GaussianMixture::as_mixture() const {
  if (auto self = weak_from_this().lock()) return self;
  return std::make_shared<GaussianMixture>(*this);  // shares the tables
}

double GaussianMixture::bytes() const {
  const GaussianTables& t = *tables_;
  const double numbers = static_cast<double>(t.weights.size() + t.means.size() + t.factors.size() + t.offsets.size() +
                                             t.precision_traces.size() + t.cumulative.size());
  const double matrices = static_cast<double>(t.covariances.size() + t.roots.size());
  return sizeof(double) * numbers + matrices * (sizeof(double) * dimension() * dimension() + sizeof(MatrixXd) + 16);
}

}  // namespace fortet::laws
