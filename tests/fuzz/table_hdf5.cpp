// A table in an HDF5 file that another program may have written: any number of objects of any type, shape and layout,
// but written by HDF5 itself. On files that are not, HDF5 1.10 crashes before fortet sees anything
// (docs/reliability.md).
#include <hdf5.h>

#include <vector>

#include "choices.hpp"
#include "fortet/io/table.hpp"
#include "support.hpp"

namespace {
using fortet::fuzz::Choices;

hid_t type_of(Choices& choices) {
  static const hid_t text = [] {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 3);
    return type;
  }();
  static const hid_t pair = [] {
    const hid_t type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "x", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "y", 8, H5T_NATIVE_INT64);
    return type;
  }();
  static const hid_t lists = H5Tvlen_create(H5T_NATIVE_DOUBLE);
  const hid_t types[] = {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I64LE, H5T_STD_I16BE,
                         H5T_STD_U8LE,   H5T_STD_B8LE,   text,           pair,          lists};
  return types[choices.below(std::size(types))];
}

void write_dataset(hid_t file, const char* name, Choices& choices) {
  const hid_t type = type_of(choices);
  const int axes = static_cast<int>(choices.below(4));
  hsize_t extents[3] = {}, chunks[3] = {}, count = 1;
  for (int k = 0; k < axes; ++k) {
    extents[k] = choices.below(7);
    chunks[k] = 1 + choices.below(4);
    count *= extents[k];
  }
  const hid_t space = choices.below(16) == 1 ? H5Screate(H5S_NULL) : H5Screate_simple(axes, extents, nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  if (axes > 0 && choices.flag()) {
    H5Pset_chunk(creation, axes, chunks);
    if (choices.flag()) H5Pset_shuffle(creation);
    if (choices.flag()) H5Pset_deflate(creation, choices.below(10));
    if (choices.flag()) H5Pset_fletcher32(creation);
  } else if (choices.flag()) {
    H5Pset_layout(creation, H5D_COMPACT);
  }
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  if (choices.flag() && H5Tget_class(type) != H5T_VLEN) {
    std::vector<char> bytes(count * H5Tget_size(type) + 1);
    for (char& byte : bytes) byte = choices.value<char>();
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
  }
  for (const hid_t id : {dataset, creation, space}) {
    if (id >= 0) H5Idec_ref(id);
  }
}
}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fortet::fuzz::silence_hdf5();
  Choices choices(data, size);
  const auto& path = fortet::fuzz::memory_file(".h5", nullptr, 0);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (choices.flag()) H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const unsigned objects = choices.below(4);
  for (unsigned i = 0; i < objects; ++i) {
    const char name[] = {static_cast<char>('a' + i), '\0'};
    switch (choices.below(8)) {
      case 1:
        H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        break;
      case 2:
        H5Lcreate_soft("nowhere", file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
      default:
        write_dataset(file, name, choices);
    }
  }
  H5Fclose(file);
  H5Pclose(access);
  fortet::io::TableSelection selection;
  if (choices.flag()) selection.dataset = choices.flag() ? "a" : choices.word(8);
  try {
    if (fortet::io::read_table(path, selection).size() < 1) __builtin_trap();
  } catch (const fortet::IoError&) {
    return 0;
  }
  return 0;
}
