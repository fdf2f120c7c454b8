#pragma once
#include "fortet/parallel/communicator.hpp"

namespace fortet::study {

/// What was asked for on the command line (docs/command_line.md).
struct CommandLine {
  std::string command;                 ///< run, validate, describe, report, selftest
  std::string argument;                ///< deck, results folder or category
  std::vector<std::string> overrides;  ///< key.path=value
  bool dry_run = false, json = false, markdown = false, animation = false;
  int case_number = 0;       ///< 0: all
  bool restarts = false;     ///< --restart
  std::string restart_from;  ///< folder of results; empty: the run's own (latest)
  double walltime = 0;       ///< seconds; 0: none
  std::vector<std::string> petsc_options;
  std::vector<std::string> words;  ///< as given
  int exit_code = -1;              ///< >= 0: nothing is left to do (help, version, a fault)
};

/// Parses; prints help and faults on the root only.
CommandLine parse_command_line(int argc, char** argv, bool speaks);

/// Does it and returns the exit code, the same on all ranks. PETSc must be running for run and selftest. Collective.
int execute(const CommandLine& command_line, const parallel::Communicator& communicator);

}  // namespace fortet::study
