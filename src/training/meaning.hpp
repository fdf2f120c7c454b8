#pragma once
/// What makes a field of the numbers of a network: kept beside its weights and compared when they are read, because
/// weights of one meaning taken under another give numbers that look like a field and are none.
#include <optional>

#include "fortet/io/hdf5_file.hpp"
#include "objective.hpp"

namespace fortet::training {

struct Meaning {
  std::string objective;       ///< kind of the model that wrote it; not compared
  std::string field, predict;  ///< as in Head
  double horizon = 1;
  Eigen::VectorXd centre;        ///< of the field, empty: the origin
  std::vector<double> table;     ///< [time][column], see table_columns
  std::vector<double> standard;  ///< [time][coordinate][centre, deviation, offset, scale]; empty: not standardised
};

/// Columns of the table: the time, the law that is learned from, X_t = start X_0 + end X_1 + noise z (for a noising
/// process X_t - m = start (X_0 - m) + noise z), and the decoding.
inline constexpr std::array<const char*, 8> table_columns{"t",     "start", "end",  "noise",
                                                          "input", "time",  "skip", "gain"};

Meaning meaning_of(const std::string& objective, const Head& head, int dimension);

/// Beside the network in `group`. Collective.
void write_meaning(io::Hdf5File& file, const std::string& group, const Meaning& meaning);
/// Nothing for a file of fortet 0.1, which carries none. Throws IoError. Collective.
std::optional<Meaning> read_meaning(io::Hdf5File& file, const std::string& group, const std::string& file_name);

/// "predict: noise in the file, data in the deck" of the first difference, empty if there is none. `also_path`: the law
/// that is learned from counts even where the decoding does not depend on it.
std::string first_difference(const Meaning& in_file, const Meaning& here, bool also_path);

}  // namespace fortet::training
