#include <cmath>
#include <map>

#include "../block_loops.hpp"
#include "../diffusion_sampler.hpp"

namespace fortet::ensembles {
namespace {

/// The prediction of the data one step ago, block by block of a chunk.
struct Memory : ChunkState {
  struct Entry {
    PointArray data;
    double log_snr;
  };
  std::map<std::int64_t, Entry> blocks;  ///< by the id of the first particle
};

/// x_t = sigma_t/sigma_s x - alpha_t (e^{-h} - 1) D with D extrapolated from the data predicted now and one step ago:
/// D = x0 + h / (2 h_before) (x0 - x0_before). The first step, and one that ends without noise, take D = x0.
class DpmSolverPlusPlus : public DiffusionSampler {
 public:
  using DiffusionSampler::DiffusionSampler;

  void apply(const Step& step, const Prepared*, const Block& block, Workspace& workspace) const override {
    const NoiseLevel from = at(step.begin), to = at(step.end);
    const Index n = block.x.size();
    const Points data = workspace.points(n, dimension()), extrapolated = workspace.points(n, dimension());
    copy(block.x, data);
    predict_data(denoising(), from, data, workspace);
    if (!workspace.state) workspace.state = std::make_unique<Memory>();
    auto& blocks = static_cast<Memory&>(*workspace.state).blocks;
    const auto found = blocks.find(block.first);
    copy(data, extrapolated);
    const double now = from.log_snr();
    if (found != blocks.end() && to.sigma > 0) {
      const double share = (to.log_snr() - now) / (2 * (now - found->second.log_snr));
      add(extrapolated, share, data);
      add(extrapolated, -share, found->second.data);
    }
    Memory::Entry& memory = found != blocks.end() ? found->second : blocks[block.first];
    if (memory.data.size() != n) memory.data = PointArray(n, dimension());
    copy(data, memory.data);
    memory.log_snr = now;
    const double a = to.sigma / from.sigma, b = to.alpha * (1 - to.ratio() / from.ratio());
    for (int k = 0; k < dimension(); ++k) {
      double* const x = block.x.coordinate(k);
      const double* const d = extrapolated.coordinate(k);
      const double mean = noising().mean()[k];
#pragma omp simd
      for (Index i = 0; i < n; ++i) x[i] = mean + a * (x[i] - mean) + b * (d[i] - mean);
    }
  }
};

const Registered<StepperFactory> registered_dpm_solver_plus_plus{
    {"steppers",
     "dpm_solver_plus_plus",
     "DPM-Solver++(2M): two-step exponential integrator of the probability flow in log(alpha/sigma) with the predicted "
     "data; order 2 with one evaluation of the score per step",
     "Lu et al. 2022b",
     {}},
    [](const Parameters& parameters, const StepperContext& context) -> StepperPtr {
      return std::make_unique<DpmSolverPlusPlus>(parameters, context);
    }};

}  // namespace
}  // namespace fortet::ensembles
