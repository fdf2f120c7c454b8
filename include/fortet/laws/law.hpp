#pragma once
/// Probability laws on R^d.
#include <Eigen/Core>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fortet/base/parameters.hpp"
#include "fortet/base/points.hpp"
#include "fortet/base/registry.hpp"
#include "fortet/parallel/random.hpp"

namespace fortet::laws {

/// Laws and processes hold dense matrices of their coordinates: beyond this many they are too large to be worked with.
inline constexpr double most_dimensions = 10000;

/// What a law can do; a use that lacks something is refused at validation with the name of what is missing.
struct Capabilities {
  bool sample = true, log_density = true, score = true, cell_masses = true, moments = true;
};

struct Moments {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

class GaussianMixture;

/// Immutable and safe to use from many threads at once. No operation is collective.
class Law {
 public:
  explicit Law(int dimension) : dimension_(dimension) {}
  virtual ~Law() = default;
  int dimension() const { return dimension_; }
  virtual Capabilities capabilities() const { return {}; }

  /// out(i, .) = sample number first + i. The same numbers for any partition into calls.
  virtual void sample(const parallel::Stream& stream, std::int64_t first, Points out) const = 0;
  /// out[i] = log p(x_i); -infinity outside the support.
  virtual void log_density(ConstPoints x, double* out) const;
  /// out(i, k) = d log p(x_i) / d x_k.
  virtual void score(ConstPoints x, Points out) const;
  /// Probabilities of the cells of a tensor grid with the given edges (axis k: edges[k].size() - 1 cells; the first and
  /// last edge may be infinite), axis 0 fastest. The default integrates the density by adaptive Gauss-Legendre
  /// quadrature per cell to 1e-10 of the total mass.
  virtual void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const;
  virtual Moments moments() const;
  /// Memory that it holds on each rank, in bytes, where that may be large.
  virtual double bytes() const { return 0; }
  /// This law as a mixture of normal laws (of which points are the limit of zero covariance), exactly or by a
  /// quadrature whose error is below rounding; null when it is none. Closed-form marginals of linear processes come
  /// from here.
  virtual std::shared_ptr<const GaussianMixture> as_mixture() const { return nullptr; }

 private:
  int dimension_;
};

using LawPtr = std::shared_ptr<const Law>;

/// What a law's factory may ask for.
struct LawContext {
  std::function<LawPtr(const std::string& name)> law;  ///< another law of the deck
  /// Law at a time of a process of the deck started from a law: calls processes::closed_form_marginal. Empty outside a
  /// study.
  std::function<LawPtr(const std::string& process, const LawPtr& initial, double time)> marginal;
  std::filesystem::path directory;  ///< folder against which file names are resolved
  std::uint64_t seed = 0;           ///< of the study, for laws that are samples
};

using LawFactory = std::function<LawPtr(const Parameters&, const LawContext&)>;

/// Makes a law of a registered kind; throws ParameterError for a value that makes no law.
LawPtr make_law(const Parameters& parameters, const LawContext& context = {});

}  // namespace fortet::laws
