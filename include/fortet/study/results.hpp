#pragma once
/// Writes what a study computed (docs/results.md documents the format).
#include "fortet/study/study.hpp"

namespace fortet::study {

/// Format of study.h5: the major number changes when a reader of the old one would break.
inline constexpr int format_major = 1, format_minor = 2;

class OutputFolder;

/// Writes deck.yaml and resolved.yaml, before anything is computed. Collective. Throws IoError.
void write_deck(const Deck& deck, OutputFolder& folder);

/// What else belongs to the provenance of a run.
struct Provenance {
  std::vector<std::string> command_line, petsc_options;
  std::vector<std::string> unused_petsc_options;  ///< those that nothing has read
  double seconds = 0;                             ///< of computing
};

/// Writes study.h5, study.xdmf, results.json and run.json. Collective. Throws IoError.
void write_results(const Study& study, const Study::Outcome& outcome, OutputFolder& folder,
                   const Provenance& provenance, const parallel::Communicator& communicator);

/// The table of checks for people.
std::string table(const std::vector<comparisons::Result>& results, double false_alarm_rate);

/// The table of measures for people.
std::string table(const std::vector<comparisons::Measurement>& measurements);

/// Versions of fortet and of the libraries it runs with.
Json versions();

}  // namespace fortet::study
