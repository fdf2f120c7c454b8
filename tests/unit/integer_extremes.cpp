// No integer of a deck, however extreme, ends otherwise than in a plan or in a fault of the deck: no internal error, no
// crash, no hang, no more memory than there is.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "fortet/study/study.hpp"
#include "support/world.hpp"

using namespace fortet;
using namespace fortet::study;

namespace {
constexpr rlim_t memory_limit = rlim_t{6} << 30;
constexpr unsigned seconds_limit = 20;

/// What is being tried, for the message of a hang.
char trying[1024];
[[noreturn]] void end_a_hang(int) {
  if (write(STDERR_FILENO, trying, std::strlen(trying)) < 0) _exit(2);
  _exit(1);
}

/// Paths of the integers below a value; of a list the first only.
void integers(const Json& value, const std::string& path, std::vector<std::string>& found) {
  if (value.is_number_integer()) found.push_back(path);
  if (value.is_object()) {
    for (const auto& [key, below] : value.items()) integers(below, path.empty() ? key : path + "." + key, found);
  }
  if (value.is_array() && !value.empty()) integers(value.front(), path + "[0]", found);
}

/// What a path means, whatever the deck calls its objects: "laws.gaussian.mean[0]".
std::string meaning(const Json& root, const std::string& path) {
  const auto dot = path.find('.'), next = dot == std::string::npos ? dot : path.find('.', dot + 1);
  if (next == std::string::npos) return path;
  const Json& object = root.at(path.substr(0, dot)).at(path.substr(dot + 1, next - dot - 1));
  const std::string kind = object.is_object() ? object.value("kind", object.value("equation", "")) : "";
  return path.substr(0, dot) + "." + kind + path.substr(next);
}

/// "", or how the deck ended that it should not.
std::string outcome(const Document& original, const std::filesystem::path& folder, const std::string& assignment) {
  std::snprintf(trying, sizeof trying, "hangs: %s %s\n", original.file.c_str(), assignment.c_str());
  alarm(seconds_limit);
  Faults faults("deck.yaml");
  std::string wrong;
  try {
    Document document = original;
    apply_override(document, assignment, faults);
    Deck deck = resolve(document, faults);
    if (faults.empty()) {
      const Study study(std::move(deck), test::world(), folder, faults);
      if (faults.empty()) {
        study.require_memory();
        study.plan();
      }
    }
    if (faults.text().find("cannot be worked with") != std::string::npos) wrong = faults.text();
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::usage && error.exit_code() != ExitCode::io) wrong = error.what();
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  alarm(0);
  return wrong;
}
}  // namespace

TEST(IntegerExtremes, AreFaultsOrPlans) {
  std::signal(SIGALRM, end_a_hang);
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, memory_limit);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  const std::vector<std::string> extremes{"2147483647", "2147483648",           "4294967296",
                                          "4000000000", "9223372036854775807",  "-1",
                                          "0",          "-9223372036854775808", "9223372036854775808"};
  std::set<std::string> seen;
  std::size_t tried = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FORTET_SOURCE_DIR "/inputs")) {
    if (entry.path().extension() != ".yaml") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    Faults faults(entry.path().string());
    const Document document = read_yaml(entry.path().string(), text.str(), faults);
    ASSERT_TRUE(faults.empty()) << faults.text();
    std::vector<std::string> paths;
    integers(document.values, "", paths);
    for (const std::string& path : paths) {
      if (path.starts_with("sweep") || !seen.insert(meaning(document.values, path)).second) continue;
      for (const std::string& value : extremes) {
        ++tried;
        const std::string wrong = outcome(document, entry.path().parent_path(), path + "=" + value);
        EXPECT_EQ(wrong, "") << entry.path() << " " << path << "=" << value;
      }
    }
  }
  EXPECT_GT(tried, 500u);
}
