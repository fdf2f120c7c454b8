#include "fortet/io/hdf5_file.hpp"

#include <hdf5.h>

#include <cerrno>
#include <cstring>

namespace fortet::io {

namespace {

bool abandoned = false;

/// Closes an identifier of HDF5 with the function for its type.
class Id {
 public:
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

}  // namespace

bool has_abandoned_file() { return abandoned; }

Hdf5File::Hdf5File(const parallel::Communicator& communicator, const std::string& file, Mode mode)
    : communicator_(communicator), file_(file) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are reported by exceptions
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_mpio(access, communicator.handle(), MPI_INFO_NULL);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  errno = 0;
  handle_ = mode == Mode::create ? H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access)
                                 : H5Fopen(file.c_str(), H5F_ACC_RDONLY, access);
  check(handle_ >= 0, fmt::format("cannot {} it{}", mode == Mode::create ? "create" : "open",
                                  errno ? std::string(": ") + std::strerror(errno) : ""));
}

Hdf5File::~Hdf5File() {
  if (handle_ >= 0) H5Fclose(handle_);
}

void Hdf5File::check(bool good, const std::string& what) {
  if (!communicator_.any(!good)) return;
  // A file that could not be written cannot be closed either: HDF5 would try to write again.
  if (std::exchange(handle_, -1) >= 0) abandoned = true;
  throw IoError(fmt::format("{}: {}", file_, what));
}

void Hdf5File::write_selection(const std::string& path, std::int64_t type, const std::vector<std::uint64_t>& shape,
                               std::uint64_t begin, std::uint64_t rows, const void* values) {
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  const Id space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
  const Id link(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(link, 1);
  const Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, 0);
  H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  const Id dataset(H5Dcreate2(handle_, path.c_str(), type, space, link, creation, H5P_DEFAULT), H5Dclose);
  check(dataset.good(), "cannot create dataset " + path);
  std::vector<hsize_t> start(extent.size(), 0), count = extent;
  start[0] = begin;
  count[0] = rows;
  const Id memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose);
  if (rows > 0) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  // Each rank's rows are one contiguous piece of the file, which needs no collective buffering; and where the disk is
  // full a collective write hangs in Open MPI when one rank fails.
  const Id transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_INDEPENDENT);
  const bool written = H5Dwrite(dataset, type, memory, space, transfer, values) >= 0;
  check(written, "cannot write dataset " + path + " (is the disk full?)");
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

void Hdf5File::attribute(const std::string& path, const std::string& name, const std::string& value) {
  const Id object(H5Oopen(handle_, path.c_str(), H5P_DEFAULT), H5Oclose);
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<std::size_t>(1, value.size()));
  H5Tset_cset(type, H5T_CSET_UTF8);
  const Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(attribute.good() && H5Awrite(attribute, type, value.c_str()) >= 0,
        "cannot write attribute " + name + " of " + path);
}

void Hdf5File::attribute(const std::string& path, const std::string& name, double value) {
  const Id object(H5Oopen(handle_, path.c_str(), H5P_DEFAULT), H5Oclose);
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id attribute(H5Acreate2(object, name.c_str(), H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(attribute.good() && H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value) >= 0,
        "cannot write attribute " + name + " of " + path);
}

void Hdf5File::close() {
  const hid_t handle = std::exchange(handle_, -1);
  check(H5Fflush(handle, H5F_SCOPE_GLOBAL) >= 0 && H5Fclose(handle) >= 0, "cannot finish it (is the disk full?)");
}

}  // namespace fortet::io
