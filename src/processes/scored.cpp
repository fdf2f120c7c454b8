#include "fortet/processes/scored.hpp"

#include "fortet/processes/linear_noising.hpp"

namespace fortet::processes {

OwnScore own_score(const Process& process) {
  if (const Denoising* denoising = process.denoising()) return {denoising->score, denoising->noising->horizon()};
  if (const auto* scored = dynamic_cast<const Scored*>(&process)) return {scored->score(), process.horizon()};
  return {nullptr, 0};
}

}  // namespace fortet::processes
