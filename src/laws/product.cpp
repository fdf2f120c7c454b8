/// Kind product: independent groups of coordinates.
#include "fortet/laws/gaussian_mixture.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {
constexpr std::size_t most_factors = 15;
constexpr std::size_t most_components = 4096;  // of a product of mixtures written out as one mixture

int total_dimension(const std::vector<LawPtr>& factors) {
  return std::accumulate(factors.begin(), factors.end(), 0,
                         [](int sum, const LawPtr& factor) { return sum + factor->dimension(); });
}

class Product : public Law {
 public:
  explicit Product(std::vector<LawPtr> factors) : Law(total_dimension(factors)), factors_(std::move(factors)) {
    for (const LawPtr& factor : factors_) {
      if (const auto* product = dynamic_cast<const Product*>(factor.get()))
        depth_ = std::max(depth_, product->depth_ + 1);
    }
    // Particle ids stay below 2^48; above them the factors count in four bits per level of nesting.
    if (depth_ > 3) throw ParameterError("of", "products may be nested three deep");
    std::size_t components = 1;
    for (const LawPtr& factor : factors_) {
      const auto mixture = factor->as_mixture();
      components = mixture ? components * mixture->weights().size() : most_components + 1;
      if (components > most_components) return;
    }
    mixture_ = expand();
  }

  Capabilities capabilities() const override {
    Capabilities result;
    for (const LawPtr& factor : factors_) {
      const Capabilities c = factor->capabilities();
      result.sample &= c.sample, result.log_density &= c.log_density, result.score &= c.score,
          result.cell_masses &= c.cell_masses, result.moments &= c.moments;
    }
    return result;
  }
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    for_factors([&](const Law& factor, int column, std::size_t k) {
      // The factors share the stream; each draws for particles of its own, far from those of the others.
      const std::int64_t offset = static_cast<std::int64_t>(k) << (44 + 4 * depth_);
      factor.sample(stream, first + offset, out.columns(column, factor.dimension()));
    });
  }
  void log_density(ConstPoints x, double* out) const override {
    std::fill_n(out, x.size(), 0.0);
    std::vector<double> part(x.size());
    for_factors([&](const Law& factor, int column, std::size_t) {
      factor.log_density(x.columns(column, factor.dimension()), part.data());
      for (Index i = 0; i < x.size(); ++i) out[i] += part[i];
    });
  }
  void score(ConstPoints x, Points out) const override {
    for_factors([&](const Law& factor, int column, std::size_t) {
      factor.score(x.columns(column, factor.dimension()), out.columns(column, factor.dimension()));
    });
  }
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    check_edges(edges, dimension(), out.size());
    std::fill(out.begin(), out.end(), 1.0);
    std::size_t stride = 1;
    for_factors([&](const Law& factor, int column, std::size_t) {
      const std::vector<std::vector<double>> own(edges.begin() + column, edges.begin() + column + factor.dimension());
      std::size_t cells = 1;
      for (const auto& axis : own) cells *= axis.size() - 1;
      std::vector<double> masses(cells);
      factor.cell_masses(own, masses);
      for (std::size_t cell = 0; cell < out.size(); ++cell) out[cell] *= masses[cell / stride % cells];
      stride *= cells;
    });
  }
  Moments moments() const override {
    Moments result{VectorXd::Zero(dimension()), MatrixXd::Zero(dimension(), dimension())};
    for_factors([&](const Law& factor, int column, std::size_t) {
      const Moments part = factor.moments();
      result.mean.segment(column, factor.dimension()) = part.mean;
      result.covariance.block(column, column, factor.dimension(), factor.dimension()) = part.covariance;
    });
    return result;
  }
  std::shared_ptr<const GaussianMixture> as_mixture() const override { return mixture_; }

 private:
  template <class Visit>
  void for_factors(Visit visit) const {
    int column = 0;
    for (std::size_t k = 0; k < factors_.size(); ++k) {
      visit(*factors_[k], column, k);
      column += factors_[k]->dimension();
    }
  }
  std::shared_ptr<const GaussianMixture> expand() const {
    std::vector<double> weights{1.0};
    std::vector<VectorXd> means{VectorXd::Zero(dimension())};
    std::vector<MatrixXd> covariances{MatrixXd::Zero(dimension(), dimension())};
    for_factors([&](const Law& factor, int column, std::size_t) {
      const auto mixture = factor.as_mixture();
      const int d = factor.dimension();
      std::vector<double> new_weights;
      std::vector<VectorXd> new_means;
      std::vector<MatrixXd> new_covariances;
      for (std::size_t k = 0; k < mixture->weights().size(); ++k) {
        for (std::size_t j = 0; j < weights.size(); ++j) {
          new_weights.push_back(weights[j] * mixture->weights()[k]);
          new_means.push_back(means[j]);
          new_means.back().segment(column, d) = mixture->means()[k];
          new_covariances.push_back(covariances[j]);
          new_covariances.back().block(column, column, d, d) = mixture->covariances()[k];
        }
      }
      weights = std::move(new_weights), means = std::move(new_means), covariances = std::move(new_covariances);
    });
    return std::make_shared<GaussianMixture>(std::move(weights), std::move(means), std::move(covariances));
  }

  std::vector<LawPtr> factors_;
  int depth_ = 1;
  std::shared_ptr<const GaussianMixture> mixture_;
};

const Registered<LawFactory> product{
    {"laws",
     "product",
     "Independent groups of coordinates, in the order of the list",
     "",
     {required("of", {Type::references, Type::kinds}, "laws: names, or nested objects {kind: ..}").of("laws")}},
    [](const Parameters& p, const LawContext& context) -> LawPtr {
      std::vector<LawPtr> factors;
      const Json& list = p.json().at("of");
      const auto children = p.children("of");
      for (std::size_t k = 0; k < children.size(); ++k) {
        const Json& entry = list.is_array() ? list[k] : list;
        factors.push_back(entry.is_string() ? context.law(entry.get<std::string>()) : make_law(children[k], context));
      }
      if (factors.empty() || factors.size() > most_factors) {
        throw ParameterError("of", fmt::format("expected 1 to {} laws, found {}", most_factors, factors.size()));
      }
      return std::make_shared<Product>(std::move(factors));
    }};
}  // namespace

}  // namespace fortet::laws
