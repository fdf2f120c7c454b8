#pragma once
/// A file without a name, mapped into the memory of several processes of a node.
#include <cstddef>
#include <string>

namespace fortet::parallel {

/// One process creates it, the others open it by its name; when all have it, the first takes the name away, so that
/// nothing is left behind whatever ends them, and reserves its bytes on the disk, so that a full disk is an error here
/// and no signal later. All that fails throws IoError with what the system says.
class MappedFile {
 public:
  MappedFile() = default;
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  void create(const std::string& folder);
  void open(const std::string& name);
  const std::string& name() const { return name_; }
  /// Of the process that created it: takes its name away; then it is `bytes` > 0 of zeros.
  void reserve(std::size_t bytes);
  void* map(std::size_t bytes);

 private:
  std::string name_;  ///< in the folder, as long as it is this process's to take away
  int descriptor_ = -1;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace fortet::parallel
