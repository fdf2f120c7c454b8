#include "fortet/io/hdf5_file.hpp"

#include <hdf5.h>

#include <cerrno>
#include <cstring>

#include "fortet/io/bytes.hpp"
#include "fortet/io/seal.hpp"
#include "posix_file.hpp"

namespace fortet::io {

namespace {

bool abandoned = false;

/// Closes an identifier of HDF5 with the function for its type.
class Id {
 public:
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const { return id_; }  // NOLINT
  bool good() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

template <class Value>
hid_t type_of() {
  if constexpr (std::is_same_v<Value, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<Value, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<Value, std::int64_t>) return H5T_NATIVE_INT64;
}
}  // namespace

bool has_abandoned_file() { return abandoned; }

Hdf5File::Hdf5File(const parallel::Communicator& communicator, const std::string& file, Mode mode)
    : communicator_(communicator), file_(file), mode_(mode) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are reported by exceptions
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, false, true);  // some parallel file systems have no locks
#endif
  errno = 0;
  if (mode == Mode::read) {
    handle_ = H5Fopen(file.c_str(), H5F_ACC_RDONLY, access);
  } else if (communicator.is_root()) {
    remove_unfinished(file_);
    const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_obj_track_times(creation, 0);  // of the root group
    handle_ = H5Fcreate(unfinished_name(file_).c_str(), H5F_ACC_EXCL, creation, access);
  }
  check(handle_ >= 0 || !is_at_work(), fmt::format("cannot {} it{}", mode == Mode::create ? "create" : "open",
                                                   errno ? std::string(": ") + std::strerror(errno) : ""));
  if (mode == Mode::read) return;
  is_unfinished_ = true;
  parallel::together(communicator_, [&] {
    rows_ = std::make_unique<PosixFile>(unfinished_name(file_).string(), O_WRONLY | O_NOFOLLOW, file_);
  });
}

Hdf5File::~Hdf5File() {
  if (handle_ >= 0) H5Fclose(handle_);
  if (is_unfinished_ && communicator_.is_root()) remove_unfinished(file_);
}

bool Hdf5File::is_at_work() const { return mode_ == Mode::read || communicator_.is_root(); }

void Hdf5File::check(bool good, const std::string& what) {
  if (!communicator_.any(!good)) return;
  // A file that could not be written cannot be closed either: HDF5 would try to write again.
  if (is_unfinished_) {
    handle_ = -1;
    abandoned = true;
  }
  throw IoError(fmt::format("{}: {}", file_, what));
}

/// HDF5 would make groups on the way by itself, but with their times.
bool Hdf5File::make_group(const std::string& path) {
  if (path.empty() || path == "/" || has(path)) return true;
  const Id creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, 0);
  return make_group(path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/'))) &&
         Id(H5Gcreate2(handle_, path.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), H5Gclose).good();
}

void Hdf5File::write_selection(const std::string& path, std::int64_t type, const std::vector<std::uint64_t>& shape,
                               std::uint64_t begin, std::uint64_t rows, const void* values) {
  std::int64_t place = 0;  // of the dataset in the file
  bool good = true;
  if (communicator_.is_root()) {
    const std::vector<hsize_t> extent(shape.begin(), shape.end());
    const Id space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
    const Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(creation, 0);
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    const std::size_t slash = path.rfind('/');
    good = slash == std::string::npos || make_group(path.substr(0, slash));
    const Id dataset(H5Dcreate2(handle_, path.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
    good = good && dataset.good();
    const haddr_t address = good ? H5Dget_offset(dataset) : HADDR_UNDEF;
    if (address != HADDR_UNDEF) place = static_cast<std::int64_t>(address);
    good = good && (address != HADDR_UNDEF || H5Sget_simple_extent_npoints(space) == 0);
  }
  check(good, "cannot create dataset " + path);
  MPI_Bcast(&place, 1, MPI_INT64_T, 0, communicator_.handle());
  std::uint64_t width = H5Tget_size(type);
  for (std::size_t axis = 1; axis < shape.size(); ++axis) width *= shape[axis];
  try {
    rows_->write(values, rows * width, static_cast<std::uint64_t>(place) + begin * width);
  } catch (const IoError&) {
    good = false;
  }
  check(good, "cannot write dataset " + path + " (is the disk full?)");
}

void Hdf5File::write_rows(const std::string& path, const std::vector<std::uint64_t>& shape, std::uint64_t begin,
                          std::uint64_t rows, std::span<const double> values) {
  write_selection(path, H5T_NATIVE_DOUBLE, shape, begin, rows, values.data());
}

void Hdf5File::write_rows(const std::string& path, const std::vector<std::uint64_t>& shape, std::uint64_t begin,
                          std::uint64_t rows, std::span<const float> values) {
  write_selection(path, H5T_NATIVE_FLOAT, shape, begin, rows, values.data());
}

void Hdf5File::write(const std::string& path, const std::vector<std::uint64_t>& shape, std::span<const double> values) {
  const std::uint64_t rows = communicator_.is_root() ? shape[0] : 0;
  write_selection(path, H5T_NATIVE_DOUBLE, shape, 0, rows, values.data());
}

void Hdf5File::write(const std::string& path, const std::vector<std::uint64_t>& shape, std::span<const float> values) {
  write_selection(path, H5T_NATIVE_FLOAT, shape, 0, communicator_.is_root() ? shape[0] : 0, values.data());
}

void Hdf5File::write(const std::string& path, const std::vector<std::uint64_t>& shape,
                     std::span<const std::int64_t> values) {
  write_selection(path, H5T_NATIVE_INT64, shape, 0, communicator_.is_root() ? shape[0] : 0, values.data());
}

void Hdf5File::write_attribute(const std::string& path, const std::string& name, std::int64_t type, std::int64_t space,
                               const void* value) {
  bool good = true;
  if (communicator_.is_root()) {
    good = has(path) || make_group(path);
    const Id object(H5Oopen(handle_, path.c_str(), H5P_DEFAULT), H5Oclose);
    const Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    good = good && attribute.good() && H5Awrite(attribute, type, value) >= 0;
  }
  check(good, "cannot write attribute " + name + " of " + path);
}

void Hdf5File::attribute(const std::string& path, const std::string& name, const std::string& value) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<std::size_t>(1, value.size()));
  H5Tset_cset(type, H5T_CSET_UTF8);
  write_attribute(path, name, type, space, value.c_str());
}

void Hdf5File::attribute(const std::string& path, const std::string& name, double value) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  write_attribute(path, name, H5T_NATIVE_DOUBLE, space, &value);
}

void Hdf5File::integer_attribute(const std::string& path, const std::string& name, std::int64_t value) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  write_attribute(path, name, H5T_NATIVE_INT64, space, &value);
}

void Hdf5File::integers_attribute(const std::string& path, const std::string& name,
                                  std::span<const std::int64_t> values) {
  const hsize_t count = values.size();
  const Id space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  const std::int64_t none = 0;  // HDF5 wants an address even for an empty list
  write_attribute(path, name, H5T_NATIVE_INT64, space, values.empty() ? &none : values.data());
}

bool Hdf5File::has(const std::string& path) const {
  // Each link on the way must be there before the next may be asked for.
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (part == "/" || part.empty()) continue;
    if (H5Lexists(handle_, part.c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

bool Hdf5File::has_attribute(const std::string& path, const std::string& name) const {
  return has(path) && H5Aexists_by_name(handle_, path.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::uint64_t> Hdf5File::shape(const std::string& path) {
  const Id dataset(H5Dopen2(handle_, path.c_str(), H5P_DEFAULT), H5Dclose);
  check(dataset.good(), "has no readable dataset " + path);
  const Id space(H5Dget_space(dataset), H5Sclose);
  const int axes = H5Sget_simple_extent_ndims(space);
  check(axes >= 0, "cannot read the shape of " + path);
  std::vector<hsize_t> extent(static_cast<std::size_t>(axes));
  H5Sget_simple_extent_dims(space, extent.data(), nullptr);
  return {extent.begin(), extent.end()};
}

template <class Value>
void Hdf5File::read_rows(const std::string& path, std::uint64_t begin, std::uint64_t rows, std::span<Value> values) {
  const std::vector<std::uint64_t> extent = shape(path);
  std::vector<hsize_t> start(extent.size(), 0), count(extent.begin(), extent.end());
  std::uint64_t numbers = rows;
  for (std::size_t axis = 1; axis < extent.size(); ++axis) numbers *= extent[axis];
  check(!extent.empty() && begin + rows <= extent[0] && numbers == values.size(),
        fmt::format("dataset {} does not have the rows that were expected", path));
  start[0] = begin;
  count[0] = rows;
  const Id dataset(H5Dopen2(handle_, path.c_str(), H5P_DEFAULT), H5Dclose);
  const Id space(H5Dget_space(dataset), H5Sclose);
  const Id memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose);
  if (numbers > 0) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  const bool read = H5Dread(dataset, type_of<Value>(), memory, space, H5P_DEFAULT, values.data()) >= 0;
  check(read, "cannot read dataset " + path);
}

template <class Value>
std::vector<Value> Hdf5File::read(const std::string& path) {
  const std::vector<std::uint64_t> extent = shape(path);
  check(!extent.empty(), "dataset " + path + " is a single number");
  std::uint64_t count = 1;
  for (const std::uint64_t axis : extent) count *= axis;
  std::vector<Value> values(count);
  read_rows<Value>(path, 0, extent[0], values);
  return values;
}

namespace {
/// An attribute opened by name, not good if there is none.
Id open_attribute(hid_t file, const std::string& path, const std::string& name) {
  return {H5Aopen_by_name(file, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose};
}
}  // namespace

std::string Hdf5File::text_attribute(const std::string& path, const std::string& name) {
  const std::string what = "has no readable text attribute " + name + " of " + path;
  const Id attribute = open_attribute(handle_, path, name);
  check(attribute.good(), what);
  const Id type(H5Aget_type(attribute), H5Tclose);
  check(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0, what);
  std::string text(H5Tget_size(type), '\0');
  check(H5Aread(attribute, type, text.data()) >= 0, what);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

double Hdf5File::real_attribute(const std::string& path, const std::string& name) {
  const Id attribute = open_attribute(handle_, path, name);
  double value = 0;
  check(attribute.good() && H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0,
        "has no readable attribute " + name + " of " + path);
  return value;
}

std::vector<std::int64_t> Hdf5File::integers_attribute(const std::string& path, const std::string& name) {
  const std::string what = "has no readable attribute " + name + " of " + path;
  const Id attribute = open_attribute(handle_, path, name);
  check(attribute.good(), what);
  const Id space(H5Aget_space(attribute), H5Sclose);
  std::vector<std::int64_t> values(
      static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space))));
  check(values.empty() || H5Aread(attribute, H5T_NATIVE_INT64, values.data()) >= 0, what);
  return values;
}

template std::vector<double> Hdf5File::read(const std::string&);
template std::vector<float> Hdf5File::read(const std::string&);
template std::vector<std::int64_t> Hdf5File::read(const std::string&);
template void Hdf5File::read_rows(const std::string&, std::uint64_t, std::uint64_t, std::span<double>);
template void Hdf5File::read_rows(const std::string&, std::uint64_t, std::uint64_t, std::span<float>);
template void Hdf5File::read_rows(const std::string&, std::uint64_t, std::uint64_t, std::span<std::int64_t>);

void Hdf5File::close(End end) {
  bool good = true;
  if (is_at_work()) {
    const hid_t handle = std::exchange(handle_, -1);
    good = H5Fflush(handle, H5F_SCOPE_GLOBAL) >= 0 && H5Fclose(handle) >= 0;
  }
  try {
    if (rows_) rows_->finish();
  } catch (const IoError&) {
    good = false;
  }
  check(good, "cannot finish it (is the disk full?)");
  if (mode_ == Mode::read) return;
  if (end == End::sealed) seal(communicator_, unfinished_name(file_).string());
  parallel::together(communicator_, [&] {
    if (communicator_.is_root()) finish_file(file_);
  });
  is_unfinished_ = false;
}

}  // namespace fortet::io
