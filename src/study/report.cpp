#include "fortet/study/report.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "fortet/base/error.hpp"

extern char** environ;

namespace fortet::study {

namespace {

/// Exit code of a program, or 127 when it cannot be started.
int run_program(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  setenv("PYTHONUTF8", "1", 1);  // texts are UTF-8 in any locale
  if (posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return 127;
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/// The Python of FORTET_PYTHON, or the first on this machine that has what the report needs.
std::string find_python() {
  const char* chosen = std::getenv("FORTET_PYTHON");
  for (const std::string& python :
       chosen ? std::vector<std::string>{chosen} : std::vector<std::string>{"python3", "/usr/bin/python3"}) {
    if (run_program({python, "-c",
                     "import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ('numpy', 'h5py', "
                     "'matplotlib')))"}) == 0) {
      return python;
    }
  }
  throw IoError(
      "no Python with numpy, h5py and matplotlib was found (Debian: python3-h5py python3-matplotlib); FORTET_PYTHON "
      "names another one");
}

/// The drawing code: beside the program in a build tree, under share/ in an installation.
std::filesystem::path find_script() {
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const std::filesystem::path& candidate :
       {folder / "share/fortet/report", folder.parent_path() / "share/fortet/report"}) {
    if (std::error_code none; std::filesystem::exists(candidate / "__main__.py", none)) return candidate;
  }
  throw IoError("the drawing code of the report is not installed (share/fortet/report)");
}

}  // namespace

void draw_report(const std::string& folder, bool animation) {
  if (std::error_code none; !std::filesystem::exists(std::filesystem::path(folder) / "study.h5", none)) {
    throw UsageError(fmt::format("{}: holds no study.h5; give the output folder of a study that was run", folder));
  }
  std::vector<std::string> words{find_python(), find_script().string(), folder};
  if (animation) words.push_back("--animation");
  const int code = run_program(words);
  if (code != 0) throw IoError(fmt::format("drawing the report of {} failed (exit code {})", folder, code));
}

}  // namespace fortet::study
