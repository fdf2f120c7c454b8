#pragma once
// metrics.jsonl: curves of the training, one JSON object per line, written as they come.
#include <filesystem>
#include <fstream>

#include "fortet/base/error.hpp"
#include "fortet/base/schema.hpp"

namespace fortet::study {

class Metrics {
 public:
  /// Opens the file when `writes` is true (the root of a study that trains).
  Metrics(std::filesystem::path file, bool writes) : file_(std::move(file)) {
    if (writes) stream_.open(file_);
  }
  void write(const Json& line) {
    if (stream_.is_open()) stream_ << line.dump() << std::endl;  // whole lines, for those who watch
  }
  /// Throws IoError on this rank if a line could not be written.
  void close() {
    if (stream_.is_open() && !stream_) throw IoError(file_.string() + ": cannot write it (is the disk full?)");
    stream_.close();
  }

 private:
  std::filesystem::path file_;
  std::ofstream stream_;
};

}  // namespace fortet::study
