#include "fortet/io/table.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <fstream>

#include "fortet/base/error.hpp"

using fortet::io::read_table;

namespace {
void write(const std::string& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

std::string message(const std::string& file, const fortet::io::TableSelection& selection = {}) {
  try {
    read_table(file, selection);
  } catch (const fortet::Error& error) {
    return error.what();
  }
  return "read";
}

std::string npy(const std::string& type, bool by_columns, const std::string& shape, const std::string& data) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + (by_columns ? "True" : "False") + ", 'shape': " + shape + ", }\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + data;
}

template <class Number>
std::string bytes_of(const std::vector<Number>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Number)};
}
}  // namespace

TEST(Table, ReadsCsv) {
  write("a.csv", "# comment\n\"first\", second\n1, 2\n3.5;-4e1\n\n");
  const auto table = read_table("a.csv");
  ASSERT_EQ(table.size(), 2);
  EXPECT_EQ(table(1, 0), 3.5);
  EXPECT_EQ(table(1, 1), -40);
  EXPECT_EQ(read_table("a.csv", {"", {"second"}})(0, 0), 2);
  EXPECT_EQ(read_table("a.csv", {"", {"2", "1"}})(0, 1), 1);
  EXPECT_NE(message("a.csv", {"", {"secnod"}}).find("did you mean 'second'?"), std::string::npos);
  write("b.txt", "1 2\n  3\t4 \n");
  EXPECT_EQ(read_table("b.txt")(1, 1), 4);
}

TEST(Table, ReadsNpy) {
  write("a.npy", npy("<f8", false, "(2, 3)", bytes_of<double>({1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(read_table("a.npy")(1, 0), 4);
  write("b.npy", npy("<f4", true, "(2, 3)", bytes_of<float>({1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(read_table("b.npy")(1, 0), 2);
  write("c.npy", npy("<i8", false, "(3,)", bytes_of<std::int64_t>({7, 8, 9})));
  EXPECT_EQ(read_table("c.npy")(2, 0), 9);
  write("d.npy", npy("<f8", false, "(2, 3)", bytes_of<double>({1, 2})));
  EXPECT_EQ(message("d.npy"), "d.npy: the data are cut short");
  write("e.npy", npy("<c8", false, "(1, 1)", bytes_of<double>({1})));
  EXPECT_NE(message("e.npy").find("not supported"), std::string::npos);
}

TEST(Table, ReadsHdf5) {
  const hid_t file = H5Fcreate("a.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t extents[2] = {2, 2};
  const hid_t space = H5Screate_simple(2, extents, nullptr);
  const hid_t dataset = H5Dcreate2(file, "points", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const double values[4] = {1, 2, 3, 4};
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(dataset), H5Sclose(space), H5Fclose(file);
  EXPECT_EQ(read_table("a.h5")(1, 0), 3);
  EXPECT_EQ(read_table("a.h5", {"points", {"2"}})(1, 0), 4);
  EXPECT_EQ(message("a.h5", {"other", {}}), "a.h5: has no dataset 'other'");
  const hid_t large = H5Fcreate("c.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t many[2] = {hsize_t{1} << 40, 2}, chunk[2] = {512, 2};
  const hid_t wide = H5Screate_simple(2, many, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(creation, 2, chunk);
  const hid_t unfilled = H5Dcreate2(large, "points", H5T_NATIVE_DOUBLE, wide, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dclose(unfilled), H5Sclose(wide), H5Pclose(creation), H5Fclose(large);
  EXPECT_NE(message("c.h5").find("more than the 0 bytes that it stores can hold"), std::string::npos)
      << message("c.h5");
  write("b.h5", "no");
  EXPECT_EQ(message("b.h5"), "b.h5: is not an HDF5 file");
}

TEST(Table, ExplainsHeadersThatEndEarly) {
  write("f.npy", std::string("\x93NUMPY\x01\x00\x18\x00{'descr': '<f8', 'shape':", 34));
  EXPECT_NE(message("f.npy").find("the header lacks"), std::string::npos) << message("f.npy");
}

TEST(Table, ExplainsBadFiles) {
  EXPECT_EQ(message("missing.csv"), "missing.csv: no such file");
  write("empty.csv", "");
  EXPECT_EQ(message("empty.csv"), "empty.csv: holds no points");
  write("word.csv", "1,2\n3,four\n");
  EXPECT_EQ(message("word.csv"), "word.csv: line 2: expected a number, found 'four'");
  write("short.csv", "1,2\n3\n");
  EXPECT_EQ(message("short.csv"), "short.csv: line 2: expected 2 numbers, found 1");
  write("nan.csv", "1,2\n3,nan\n");
  EXPECT_EQ(message("nan.csv"), "nan.csv: point 2, column 2: nan is not a finite number");
  EXPECT_NE(message("a.parquet").find("unknown type of file"), std::string::npos);
}
