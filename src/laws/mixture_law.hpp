#pragma once
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

/// A law whose density is that of a normal mixture, but which draws its samples in a way of its own.
class MixtureLaw : public Law {
 public:
  explicit MixtureLaw(std::shared_ptr<const GaussianMixture> mixture)
      : Law(mixture->dimension()), mixture_(std::move(mixture)) {}
  void log_density(ConstPoints x, double* out) const override { mixture_->log_density(x, out); }
  void score(ConstPoints x, Points out) const override { mixture_->score(x, out); }
  void cell_masses(const std::vector<std::vector<double>>& edges, std::span<double> out) const override {
    mixture_->cell_masses(edges, out);
  }
  Moments moments() const override { return mixture_->moments(); }
  std::shared_ptr<const GaussianMixture> as_mixture() const override { return mixture_; }

 protected:
  const GaussianMixture& mixture() const { return *mixture_; }

 private:
  std::shared_ptr<const GaussianMixture> mixture_;
};

}  // namespace fortet::laws
