#pragma once
/// Mean and deviation of the data that networks see: of order one where a network is to learn from them.
#include "fortet/training/model.hpp"

namespace fortet::training {

struct DataScale {
  Eigen::VectorXd mean, deviation;  ///< per coordinate; the deviation of a coordinate that does not vary is 0
};

/// The key `standardise` of the kinds that can.
Parameter standardise_parameter();

/// Of some thousand points, drawn from a stream that no training draws from.
DataScale data_scale(const laws::Law& law, std::uint64_t seed, const std::string& stream);

/// Of the law that the entry's key `role` (source, target or data) names.
DataScale data_scale(const Parameters& parameters, const ModelContext& context, const std::string& role);

/// Says which laws of the entry lie far from the scale that networks are made for; empty where none does, where the
/// entry standardises, and where nothing is trained.
std::vector<std::string> scale_notes(const Parameters& parameters, const ModelContext& context);

}  // namespace fortet::training
