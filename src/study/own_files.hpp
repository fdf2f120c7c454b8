#pragma once
// How fortet knows the files that it wrote itself: the folder of the results belongs to the user, and what may be
// removed, moved or overwritten there is judged here. A link is never fortet's.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fortet::study {

/// The list that fortet keeps in each folder it writes to, `.fortet.files`: of each file that bears no mark itself, the
/// checksums of the last two texts it was given (a run may be killed between the list and the file).
class OwnFiles {
 public:
  /// Reads the list, if there is one: an earlier version wrote none, then files are known by what is in them.
  explicit OwnFiles(std::filesystem::path folder);

  /// True for a file of this name that fortet wrote and nobody has changed since.
  bool has(const std::string& name) const;
  /// True if there is anything of this name, a dangling link included.
  bool is_there(const std::string& name) const;
  /// All names that fortet may have written in this folder.
  std::vector<std::string> names() const;
  /// The next text of a file, before it is written. Writes the list.
  void expect(const std::string& name, const std::string& text);
  /// Names of files that bear a mark of their own, before they are written. Writes the list.
  void expect(const std::vector<std::string>& names);
  /// Removes the file if it is fortet's; true if it did. Throws IoError.
  bool remove(const std::string& name);
  /// Removes the list.
  void forget();

 private:
  void write() const;
  bool bears_mark(const std::string& name) const;
  std::filesystem::path folder_;
  bool has_list_ = false;
  std::map<std::string, std::vector<std::string>> texts_;
};

/// Of a folder of checkpoints: what is fortet's, and what is not. Neither there if it is no folder.
struct CheckpointFiles {
  explicit CheckpointFiles(const std::filesystem::path& folder);
  std::vector<std::filesystem::path> own, foreign;
  bool has_identity = false;  ///< study.json, which says of which study they are
  /// Removes fortet's own, then the folder if nothing else is in it. Throws IoError.
  void remove() const;

 private:
  std::filesystem::path folder_;
};

/// A state of a checkpoint, finished or broken off.
bool is_own_state(const std::filesystem::path& file);

/// True for a file itself: no link, no folder.
bool is_plain_file(const std::filesystem::path& file);

}  // namespace fortet::study
