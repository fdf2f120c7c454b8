#pragma once
/// Errors of fortet and the exit codes they end a run with.
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace fortet {

/// Exit codes of the program (documented in docs/command_line.md).
enum class ExitCode { done = 0, internal = 1, usage = 2, diverged = 3, io = 4, disagrees = 5, stopped = 75 };

/// Base of all errors; `exit_code()` says how the program ends when nobody catches it.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const { return code_; }

 private:
  ExitCode code_;
};

/// A fault of the deck or of the command line (exit 2).
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(ExitCode::usage, message) {}
};

/// A value of one parameter that only the kind itself can judge, e.g. a singular covariance (exit 2). `parameter` is
/// the path below the object ("covariance", "beta.to"); `study/` turns it into file:line:column.
struct ParameterError : UsageError {
  ParameterError(std::string parameter_path, const std::string& message)
      : UsageError(message), parameter(std::move(parameter_path)) {}
  std::string parameter;
};

/// Several of them, found in one pass: `all` in the order in which they were found.
struct ParameterErrors : ParameterError {
  explicit ParameterErrors(std::vector<ParameterError> found)
      : ParameterError(found.front().parameter, found.front().what()), all(std::move(found)) {}
  std::vector<ParameterError> all;
};

/// Something is asked for that a study computes only later: a validation leaves out what it cannot know yet (exit 2).
struct NotComputedYet : UsageError {
  explicit NotComputedYet(const std::string& message) : UsageError(message) {}
};

/// A solver did not converge or a value is not finite (exit 3).
struct DivergedError : Error {
  explicit DivergedError(const std::string& message) : Error(ExitCode::diverged, message) {}
};

/// A file could not be read or written (exit 4).
struct IoError : Error {
  explicit IoError(const std::string& message) : Error(ExitCode::io, message) {}
};

/// A text of a user, short enough for a message: its beginning and end, and how much was left out.
inline std::string cut(const std::string& text, std::size_t most = 400) {
  if (text.size() <= most) return text;
  const auto is_inside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  std::size_t end = most * 3 / 4, begin = text.size() - most / 4;
  while (end > 0 && is_inside(end)) --end;  // no character of UTF-8 is taken apart
  while (begin < text.size() && is_inside(begin)) ++begin;
  return text.substr(0, end) + " [... " + std::to_string(begin - end) + " bytes ...] " + text.substr(begin);
}

/// What any exception means to a user: one of another library is an error of the file system, want of memory, or a
/// fault of fortet itself.
inline Error error_of(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&exception)) return {ExitCode::internal, "out of memory"};
  if (dynamic_cast<const std::filesystem::filesystem_error*>(&exception)) return {ExitCode::io, exception.what()};
  return {ExitCode::internal, std::string("internal error: ") + exception.what()};
}

}  // namespace fortet
