#pragma once
/// Objectives: what networks learn from a block of samples.
#include <Eigen/Core>
#include <functional>
#include <string>
#include <vector>

#include "fortet/base/points.hpp"
#include "fortet/parallel/communicator.hpp"
#include "fortet/parallel/random.hpp"

namespace fortet::training {

/// field(x, t) = skip (x - centre) + gain F(input (x - centre), time): how a field comes from its network, also the
/// preconditioning of Karras et al. 2022.
struct Decoding {
  double input = 1, time = 0, skip = 0, gain = 1;
};

/// How one coordinate enters the network and leaves it where the data are standardised: the network sees
/// (x - centre) / deviation and its output F stands for offset + scale F. The network then learns from numbers of order
/// one whatever the units and the origin of the data.
struct Standard {
  double centre = 0, deviation = 1, offset = 0, scale = 1;
};

/// regression: mean of weight |F - target|^2. Without targets, with s = F: implicit: weight (|s|^2 / 2 + div s)
/// (Hyvarinen 2005); sliced: weight (|s|^2 / 2 + v . grad(v . s)) for a probe v (Song et al. 2019).
enum class Loss { regression, implicit, sliced };

/// The law that a network learns from at one time: X_t = start X_0 + end X_1 + noise z.
struct PathPoint {
  double start = 1, end = 0, noise = 0;
};

/// One network of a model.
struct Head {
  std::string name;  ///< "velocity" or "score", "forward" or "backward" drift: the field it gives
  Loss loss = Loss::regression;
  std::function<Decoding(double t)> decoding;
  Eigen::VectorXd centre;  ///< empty: the origin
  std::string predict;     ///< what the network's output is called, see docs/weights.md
  std::function<PathPoint(double t)> path;
  double horizon = 1;
  bool decoding_needs_path = true;  ///< false: the field is a transport from X_0 to X_1, by whatever path
  std::function<Standard(double t, int coordinate)> standard;  ///< empty: the data are seen as they are
};

/// What one head learns from: filled by Objective::draw. `target` is for regression, `probe` for sliced losses.
struct Lesson {
  Points input;
  double* time = nullptr;
  Points target;
  double* weight = nullptr;
  Points probe;
};

class Objective {
 public:
  virtual ~Objective() = default;
  virtual int dimension() const = 0;
  virtual const std::vector<Head>& heads() const = 0;
  /// False for a head that keeps its weights for now; its lessons need not be filled.
  virtual bool learns(std::size_t head) const {
    (void)head;
    return true;
  }
  /// Collective over the ranks that train, once before the draws of a step.
  virtual void prepare(std::uint32_t step, const parallel::Communicator& communicator) {
    (void)step;
    (void)communicator;
  }
  /// Does a piece of what prepare() would have to do for later steps, on a thread that has time for it: see
  /// parallel::Team::Spare. Safe from many threads at once, also beside prepare() and draw().
  virtual bool work_ahead(bool wanted) {
    (void)wanted;
    return false;
  }
  /// Samples first .. of the batch of this step, one lesson per head. Safe from many threads at once.
  virtual void draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const = 0;
};

/// Times and noises of training samples.
class TrainingDraws {
 public:
  TrainingDraws(std::uint64_t seed, const std::string& name)
      : times_(seed, parallel::Purpose::training, name + ".time"),
        noises_(seed, parallel::Purpose::training, name + ".noise"),
        probes_(seed, parallel::Purpose::probe, name) {}
  void uniforms(std::uint32_t step, Index first, Index size, double* out) const {
    times_.uniforms(first, step, Points(out, size, 1));
  }
  void normals(std::uint32_t step, Index first, Points out) const { noises_.normals(first, step, out); }
  /// Signs of equal probability (Rademacher).
  void signs(std::uint32_t step, Index first, Points out) const {
    probes_.uniforms(first, step, out);
    for (int k = 0; k < out.dimension(); ++k) {
      for (Index i = 0; i < out.size(); ++i) out(i, k) = out(i, k) < 0.5 ? -1 : 1;
    }
  }

 private:
  parallel::Stream times_, noises_, probes_;
};

}  // namespace fortet::training
