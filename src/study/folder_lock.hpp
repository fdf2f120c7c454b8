#pragma once
// One run at a time in a folder of results.
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace fortet::study {

/// The file `.fortet.lock` says which process on which host works in the folder, and is touched every few seconds while
/// that process lives. It is taken over at once from a process of this machine that is dead, and from one of another
/// machine when it was not touched for `patience`. Of the root alone.
class FolderLock {
 public:
  static constexpr double patience = 120;  ///< seconds; network file systems show a touch within half of that

  /// Throws IoError naming who holds the lock. `waits`: until a lock of another machine is either touched or given up.
  FolderLock(const std::filesystem::path& folder, bool waits, const std::function<void(const std::string&)>& say);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// Another run has taken the lock over, or somebody has removed it.
  bool is_lost() const { return lost_; }

 private:
  bool try_to_take(const std::string& own);
  void keep_touching();

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::atomic<bool> lost_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;
  std::thread touching_;
};

/// Removes the lock that this program holds there, from whatever rank: before it ends all ranks at once.
void remove_lock(const std::filesystem::path& folder);

}  // namespace fortet::study
