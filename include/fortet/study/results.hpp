#pragma once
/// Writes what a study computed (docs/results.md documents the format).
#include "fortet/study/study.hpp"

namespace fortet::study {

/// Format of study.h5: the major number changes when a reader of the old one would break.
inline constexpr int format_major = 1, format_minor = 1;

/// Makes the folder and writes deck.yaml and resolved.yaml, before anything is computed. Collective. Throws IoError.
void write_deck(const Deck& deck, const std::filesystem::path& folder, const parallel::Communicator& communicator);

/// Writes study.h5, study.xdmf, results.json and run.json. Collective. Throws IoError.
void write_results(const Study& study, const Study::Outcome& outcome, const std::filesystem::path& folder,
                   const std::vector<std::string>& command_line, double seconds,
                   const parallel::Communicator& communicator);

/// The table of checks for people.
std::string table(const std::vector<comparisons::Result>& results, double false_alarm_rate);

/// The table of measures for people.
std::string table(const std::vector<comparisons::Measurement>& measurements);

/// Versions of fortet and of the libraries it runs with.
Json versions();

/// Writes a text file by way of a temporary name, on the root; collective. Throws IoError on every rank.
void write_text(const std::filesystem::path& file, const std::string& text, const parallel::Communicator& communicator);

}  // namespace fortet::study
