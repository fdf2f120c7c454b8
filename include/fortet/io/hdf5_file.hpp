#pragma once
/// One HDF5 file written by all ranks: the root describes it (HDF5), and each rank writes its own rows to where they
/// belong. Parallel HDF5 would do the same, but hangs in some MPIs (Open MPI 4) where the write of one rank fails, and
/// wherever one rank alone closes a file because it met an error; so each rank reads by itself too. Groups are made on
/// the way; object times are not tracked, so that identical runs give identical bytes. A file gets its name when it is
/// closed: until then the one of that name, if any, stays. Every call is collective; a rank with nothing to write takes
/// part with no rows.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fortet/parallel/communicator.hpp"

namespace fortet::io {

/// True after a write has failed on a full disk: HDF5 would then try again for ever when the program ends, which must
/// do so with MPI_Abort instead.
bool has_abandoned_file();

class PosixFile;

class Hdf5File {
 public:
  enum class Mode { create, read };
  /// Throws IoError with the reason of the system.
  Hdf5File(const parallel::Communicator& communicator, const std::string& file, Mode mode);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  /// Dataset `path` of `shape` (slowest axis first): this rank writes rows [begin, begin + rows) of the first axis.
  void write_rows(const std::string& path, const std::vector<std::uint64_t>& shape, std::uint64_t begin,
                  std::uint64_t rows, std::span<const double> values);
  void write_rows(const std::string& path, const std::vector<std::uint64_t>& shape, std::uint64_t begin,
                  std::uint64_t rows, std::span<const float> values);
  /// A dataset that every rank holds whole; the root writes it.
  void write(const std::string& path, const std::vector<std::uint64_t>& shape, std::span<const double> values);
  void write(const std::string& path, const std::vector<std::uint64_t>& shape, std::span<const float> values);
  void write(const std::string& path, const std::vector<std::uint64_t>& shape, std::span<const std::int64_t> values);
  /// Of a dataset, or of a group, which is made where there is none yet.
  void attribute(const std::string& path, const std::string& name, const std::string& value);
  void attribute(const std::string& path, const std::string& name, double value);
  void integer_attribute(const std::string& path, const std::string& name, std::int64_t value);
  void integers_attribute(const std::string& path, const std::string& name, std::span<const std::int64_t> values);

  bool has(const std::string& path) const;
  bool has_attribute(const std::string& path, const std::string& name) const;
  /// Extents of a dataset, slowest axis first.
  std::vector<std::uint64_t> shape(const std::string& path);
  /// A whole dataset, on every rank. `Value` is double, float or std::int64_t; the file's numbers are converted.
  template <class Value>
  std::vector<Value> read(const std::string& path);
  /// Rows [begin, begin + rows) of the first axis; ranks may ask for different rows, or none.
  template <class Value>
  void read_rows(const std::string& path, std::uint64_t begin, std::uint64_t rows, std::span<Value> values);
  /// All readers throw IoError where the file has no such thing or is damaged.
  std::string text_attribute(const std::string& path, const std::string& name);
  double real_attribute(const std::string& path, const std::string& name);
  /// One integer or a list of them.
  std::vector<std::int64_t> integers_attribute(const std::string& path, const std::string& name);
  enum class End { plain, sealed };  ///< sealed: with the checksum of fortet/io/seal.hpp
  /// Flushes to the disk, closes and gives the file its name, reporting a failure (a full disk shows here). A file that
  /// is not closed, as while unwinding, is removed.
  void close(End end = End::plain);

 private:
  void write_selection(const std::string& path, std::int64_t type, const std::vector<std::uint64_t>& shape,
                       std::uint64_t begin, std::uint64_t rows, const void* values);
  void write_attribute(const std::string& path, const std::string& name, std::int64_t type, std::int64_t space,
                       const void* value);
  void check(bool good, const std::string& what);  // collective
  bool is_at_work() const;                         // with HDF5
  bool make_group(const std::string& path);        // on the root
  parallel::Communicator communicator_;
  std::string file_;
  Mode mode_;
  std::int64_t handle_ = -1;
  bool is_unfinished_ = false;  // a file that this makes
  std::unique_ptr<PosixFile> rows_;
};

}  // namespace fortet::io
