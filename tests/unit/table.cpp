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
  EXPECT_EQ(message("word.csv"), "word.csv: line 2, column 2: expected a number, found 'four'");
  write("short.csv", "1,2\n3\n");
  EXPECT_EQ(message("short.csv"), "short.csv: line 2: expected 2 numbers, found 1");
  write("nan.csv", "1,2\n3,nan\n");
  EXPECT_EQ(message("nan.csv"), "nan.csv: point 2, column 2: nan is not a finite number");
  EXPECT_NE(message("a.parquet").find("unknown type of file"), std::string::npos);
}

TEST(Table, TakesNoRowForAHeaderThatHoldsANumber) {
  write("mark.csv",
        "\xEF\xBB\xBF"
        "5,6\r\n1,2\r\n3,4\r\n");
  EXPECT_EQ(read_table("mark.csv").size(), 3);
  EXPECT_EQ(read_table("mark.csv")(0, 0), 5);
  write("old.csv", "1,2\r3,4\r");
  EXPECT_EQ(read_table("old.csv").size(), 2);
  write("na.csv", "0.5,NA\n1,2\n3,4\n");
  EXPECT_EQ(message("na.csv"), "na.csv: line 1, column 2: expected a number, found 'NA'");
  write("nothing.csv", "NA;null\n1;2\n");
  EXPECT_EQ(message("nothing.csv"), "nothing.csv: line 1, column 1: expected a number, found 'NA'");
  write("index.csv", ",x,y\n0,1,2\n");  // as pandas writes it
  EXPECT_EQ(read_table("index.csv", {"", {"y"}})(0, 0), 2);
  write("comma.csv", "1,5;2,5\n");
  EXPECT_EQ(message("comma.csv"), "comma.csv: line 1: has both ';' and ','; write numbers with a decimal point");
}

TEST(Table, ReadsEveryKindOfNumberOfNumPy) {
  const std::string big({0x3f, static_cast<char>(0xf8), 0, 0, 0, 0, 0, 0});
  write("g.npy", npy(">f8", false, "(1, 1)", big));
  EXPECT_EQ(read_table("g.npy")(0, 0), 1.5);
  write("h.npy", npy("<f2", false, "(3,)", bytes_of<std::uint16_t>({0x3e00, 0xc000, 0x0001})));
  EXPECT_EQ(read_table("h.npy")(0, 0), 1.5);
  EXPECT_EQ(read_table("h.npy")(1, 0), -2);
  EXPECT_EQ(read_table("h.npy")(2, 0), std::ldexp(1, -24));
  write("i.npy", npy("|b1", true, "(2, 2)", std::string("\x01\x00\x00\x01", 4)));
  EXPECT_EQ(read_table("i.npy")(1, 1), 1);
  write("j.npy", npy(">i2", false, "(2,)", std::string("\x01\x00\xff\xfe", 4)));
  EXPECT_EQ(read_table("j.npy")(0, 0), 256);
  EXPECT_EQ(read_table("j.npy")(1, 0), -2);
}

TEST(Table, ReadsBooleansAndForeignNumbersOfHdf5AndGuessesNoDataset) {
  const hid_t file = H5Fcreate("d.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t extent = 2;
  const hid_t space = H5Screate_simple(1, &extent, nullptr), truth = H5Tenum_create(H5T_NATIVE_INT8);
  const std::int8_t no = 0, yes = 1, values[2] = {1, 0};
  H5Tenum_insert(truth, "FALSE", &no);
  H5Tenum_insert(truth, "TRUE", &yes);
  const hid_t booleans = H5Dcreate2(file, "truth", truth, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(booleans, truth, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  const hid_t group = H5Gcreate2(file, "run", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t big = H5Dcreate2(group, "big", H5T_IEEE_F32BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const double numbers[2] = {1.5, -2};
  H5Dwrite(big, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  H5Dclose(booleans), H5Dclose(big), H5Gclose(group), H5Sclose(space), H5Tclose(truth), H5Fclose(file);
  EXPECT_EQ(read_table("d.h5", {"truth", {}})(0, 0), 1);
  EXPECT_EQ(read_table("d.h5", {"truth", {}})(1, 0), 0);
  EXPECT_EQ(read_table("d.h5", {"run/big", {}})(1, 0), -2);
  EXPECT_EQ(message("d.h5"), "d.h5: has 2 datasets; say which one with `dataset`: run/big, truth");
}
