#pragma once
#include "diffusion_sampler.hpp"

namespace fortet::ensembles {

/// The step that undoes X_t = m + a (X_s - m) + sqrt(v) xi for a point at time t: the mean and the deviation of
/// X_s | X_t = x, X_0 = x0, with the prediction in the place of x0:
///   x_s = m + (x - m + v grad log p_t) / a + sqrt(v) sigma_s / sigma_t xi.
class Ancestral : public DiffusionSampler {
 public:
  using DiffusionSampler::DiffusionSampler;
  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override;
};

}  // namespace fortet::ensembles
