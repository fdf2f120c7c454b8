#pragma once
/// Flow and bridge matching on an interpolant x_t = alpha x_0 + beta x_1 + gamma z of coupled pairs.
#include "../data_scale.hpp"
#include "../network_model.hpp"
#include "../pairs.hpp"
#include "fortet/processes/interpolant.hpp"

namespace fortet::training {

/// Of x_t and of what is learned from it, from the scales of independent ends: all of order one for the networks.
struct Standards {
  processes::InterpolantPtr interpolant;
  DataScale source, target;
  double half_noise = 0.5;
  Standard velocity(double t, int coordinate) const;
  Standard score(double t, int coordinate) const;
};

/// Velocity: min E |v(x_t, t) - (alpha' x_0 + beta' x_1 + gamma' z)|^2. Score, where learned: the network gives
/// (noise^2 / 2) score, finite where gamma vanishes, with min E |(2 gamma / noise^2) F + z|^2 (Tong et al. 2024), noise
/// being that of the Brownian bridge or 1.
class FlowMatching : public Objective {
 public:
  /// `ends`: scales of x_0 and x_1, for data that are standardised.
  FlowMatching(int dimension, processes::InterpolantPtr interpolant, std::shared_ptr<Pairs> pairs, TrainingDraws draws,
               double margin, bool with_score, std::optional<std::array<DataScale, 2>> ends = {});
  int dimension() const override { return dimension_; }
  const std::vector<Head>& heads() const override { return heads_; }
  void prepare(std::uint32_t step, const parallel::Communicator& communicator) override {
    pairs_->prepare(step, communicator);
  }
  bool work_ahead(bool wanted) override { return pairs_->work_ahead(wanted); }
  void draw(std::uint32_t step, Index first, std::vector<Lesson>& lessons) const override;
  /// From now on these pairs are learned from.
  void take(std::shared_ptr<Pairs> pairs) { pairs_ = std::move(pairs); }

 private:
  int dimension_;
  processes::InterpolantPtr interpolant_;
  std::shared_ptr<Pairs> pairs_;
  TrainingDraws draws_;
  double margin_, half_noise_;
  std::optional<Standards> standards_;
  std::vector<Head> heads_;
};

/// Parameters source, target, coupling, coupling_scope, margin and those of every model; `coupling` by default.
std::vector<Parameter> flow_parameters(std::vector<Parameter> own, const Json& coupling);

/// Scale of the entry's laws where it standardises.
std::optional<std::array<DataScale, 2>> standardised_ends(const Parameters& parameters, const ModelContext& context);

/// Pairs of the laws `source` and `target` of the deck's entry.
std::shared_ptr<Pairs> coupled_pairs(const Parameters& parameters, const ModelContext& context,
                                     const couplings::CouplingPtr& coupling);

/// An interpolant of this kind.
processes::InterpolantPtr interpolant(const std::string& kind, Json values);

}  // namespace fortet::training
