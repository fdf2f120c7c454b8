#pragma once
/// out_j = log sum_k exp(K_jk + in_k) for all lines of an axis.
#include "fortet/densities/lines.hpp"

namespace fortet::densities {

/// A matrix of logarithms K, minus infinity where nothing passes, prepared for such sums. The cells k are taken in
/// blocks: exp(K_jk - a_jB), a_jB the maximum over the block B, times exp(in_k - m_B), m_B the maximum of the line, is
/// a plain product; the blocks are added with weights exp(a_jB + m_B - max_B). A block below e^-48 of a lower bound of
/// the sum is left out. Accurate in every component as long as K varies by less than 700 within a block.
class LogKernel {
 public:
  LogKernel() = default;
  /// `logarithms`: n x n by rows; `transposed`: K_jk is its entry (k, j).
  LogKernel(const std::vector<double>& logarithms, Index n, bool transposed);
  /// In place is allowed. Local, all threads.
  void apply(const LineSet& lines, const double* in, double* out) const;
  bool is_empty() const { return n_ == 0; }

 private:
  void apply(const Lanes* in, Lanes* out) const;
  Index n_ = 0, blocks_ = 0;
  std::vector<double> scaled_;           // [group of rows][block][cell of the block][row of the group]
  std::vector<double> largest_, least_;  // of K: [group of rows][block][row of the group]
};

}  // namespace fortet::densities
