#include "drawn_pairs.hpp"

namespace fortet::couplings {
namespace {

/// Index whose share of the sum of the weights holds u in (0, 1).
std::int32_t drawn(std::span<const double> weights, double sum, double u) {
  double rest = u * sum;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    rest -= weights[i];
    if (rest < 0) return static_cast<std::int32_t>(i);
  }
  // Rounding left a little: the last one with weight.
  return static_cast<std::int32_t>(weights.rend() -
                                   std::find_if(weights.rbegin(), weights.rend(), [](double w) { return w > 0; })) -
         1;
}

}  // namespace

void draw_pairs(const EntropicPlan& plan, const parallel::Stream& stream, std::uint32_t step, Pairing& pairing) {
  const Index n = plan.source_size();
  PointArray uniforms(n, 2);
  stream.uniforms(0, step, uniforms);
  std::vector<double> rows(n), row(plan.target_size());
  for (Index i = 0; i < n; ++i) rows[i] = plan.row(i, row.data());
  const double mass = std::accumulate(rows.begin(), rows.end(), 0.0);
  pairing.source.resize(n);
  pairing.target.resize(n);
  for (Index k = 0; k < n; ++k) {
    pairing.source[k] = drawn(rows, mass, uniforms(k, 0));
    const double sum = plan.row(pairing.source[k], row.data());
    pairing.target[k] = drawn(row, sum, uniforms(k, 1));
  }
}

void draw_targets(const EntropicPlan& plan, const parallel::Stream& stream, std::uint32_t step, Pairing& pairing) {
  const Index n = plan.source_size();
  PointArray uniforms(n, 2);
  stream.uniforms(0, step, uniforms);
  std::vector<double> row(plan.target_size());
  pairing.source.resize(n);
  std::iota(pairing.source.begin(), pairing.source.end(), 0);
  pairing.target.resize(n);
  for (Index k = 0; k < n; ++k) {
    const double sum = plan.row(k, row.data());
    pairing.target[k] = drawn(row, sum, uniforms(k, 1));
  }
}

}  // namespace fortet::couplings
