#pragma once
// metrics.jsonl: curves of the training, one JSON object per line, written as they come.
#include <filesystem>
#include <fstream>

#include "fortet/base/error.hpp"
#include "fortet/base/schema.hpp"

namespace fortet::study {

class Metrics {
 public:
  /// The file is made when `writes` is true (the root of a study that trains).
  Metrics(std::filesystem::path file, bool writes) : file_(std::move(file)), writes_(writes) {}
  /// Bytes of the lines so far.
  std::int64_t position() const { return position_; }
  /// Lines behind this position belong to work that was lost.
  void resume_at(std::int64_t position) { position_ = std::max(position_, position); }
  void write(const Json& line) {
    if (!writes_) return;
    open();
    const std::string text = line.dump() + "\n";
    stream_ << text << std::flush;  // whole lines, for those who watch
    position_ += static_cast<std::int64_t>(text.size());
  }
  /// Throws IoError on this rank if a line could not be written.
  void close() {
    if (!writes_) return;
    open();
    if (!stream_) throw IoError(file_.string() + ": cannot write it (is the disk full?)");
    stream_.close();
  }

 private:
  void open() {
    if (stream_.is_open()) return;
    std::error_code none;  // no file yet
    if (const auto size = std::filesystem::file_size(file_, none); !none) {
      std::filesystem::resize_file(file_, std::min<std::uintmax_t>(size, position_), none);
    }
    stream_.open(file_, std::ios::app);
  }
  std::filesystem::path file_;
  bool writes_;
  std::int64_t position_ = 0;
  std::ofstream stream_;
};

}  // namespace fortet::study
