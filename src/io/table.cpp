#include "fortet/io/table.hpp"

#include <hdf5.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <sstream>

#include "fortet/base/error.hpp"
#include "fortet/base/schema.hpp"
#include "fortet/io/bytes.hpp"

namespace fortet::io {

namespace {
/// Numbers by rows, and the names of the columns if the file has any.
struct Table {
  std::vector<double> values;
  std::size_t columns = 0;
  std::vector<std::string> names;
  std::size_t rows() const { return columns ? values.size() / columns : 0; }
};

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& message) {
  throw IoError(file.string() + ": " + message);
}

std::vector<std::string> split(const std::string& line) {
  const bool has_commas = line.find_first_of(",;") != std::string::npos;
  std::vector<std::string> words;
  std::string word;
  const auto trimmed = [](std::string text) {
    const auto begin = text.find_first_not_of(" \t\r\"");
    if (begin == std::string::npos) return std::string();
    return text.substr(begin, text.find_last_not_of(" \t\r\"") - begin + 1);
  };
  for (char c : line + (has_commas ? "," : " ")) {
    const bool ends = has_commas ? c == ',' || c == ';' : c == ' ' || c == '\t' || c == '\r';
    if (!ends) {
      word += c;
    } else {
      if (has_commas || !trimmed(word).empty()) words.push_back(trimmed(word));
      word.clear();
    }
  }
  return words;
}

bool to_number(const std::string& text, double& value) {
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

Table read_csv(const std::filesystem::path& file) {
  std::istringstream stream(read_bytes(file));
  Table table;
  std::string line;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    const std::vector<std::string> words = split(line);
    std::vector<double> row(words.size());
    const auto bad = std::find_if(words.begin(), words.end(),
                                  [&](const std::string& word) { return !to_number(word, row[&word - words.data()]); });
    if (bad != words.end()) {
      if (table.columns == 0 && table.names.empty()) {
        table.names = words;
        continue;
      }
      fail(file, fmt::format("line {}: expected a number, found '{}'", number, *bad));
    }
    if (table.columns == 0) table.columns = words.size();
    if (words.size() != table.columns || (!table.names.empty() && words.size() != table.names.size())) {
      fail(file, fmt::format("line {}: expected {} numbers, found {}", number,
                             table.names.empty() ? table.columns : table.names.size(), words.size()));
    }
    table.values.insert(table.values.end(), row.begin(), row.end());
  }
  return table;
}

template <class Number>
void append_numbers(const char* bytes, std::size_t count, std::vector<double>& out) {
  for (std::size_t i = 0; i < count; ++i) {
    Number value;
    std::memcpy(&value, bytes + i * sizeof(Number), sizeof(Number));
    out.push_back(static_cast<double>(value));
  }
}

/// NumPy's format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
Table read_npy(const std::filesystem::path& file) {
  static_assert(std::endian::native == std::endian::little);
  const std::string bytes = read_bytes(file);
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0) fail(file, "is not a NumPy file (.npy)");
  const bool is_first_version = bytes[6] == 1;
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, is_first_version ? 2 : 4);
  const std::size_t begin = is_first_version ? 10 : 12;
  if (begin + length > bytes.size()) fail(file, "the header is cut short");
  const std::string header = bytes.substr(begin, length);
  const auto after = [&](const char* key) {
    const auto found = header.find(key);
    const auto colon = found == std::string::npos ? found : header.find(':', found);
    const auto value = colon == std::string::npos ? colon : header.find_first_not_of(' ', colon + 1);
    if (value == std::string::npos) fail(file, fmt::format("the header lacks {}", key));
    return header.substr(value);
  };
  const std::string type = after("'descr'").substr(1, 3), shape_text = after("'shape'");
  const bool by_columns = after("'fortran_order'").starts_with("True");
  std::vector<std::size_t> shape;
  for (std::size_t at = 1; at < shape_text.size() && shape_text[at] != ')'; ++at) {
    if (!std::isdigit(static_cast<unsigned char>(shape_text[at]))) continue;
    std::size_t extent = 0;
    const auto [end, error] = std::from_chars(shape_text.data() + at, shape_text.data() + shape_text.size(), extent);
    if (error != std::errc{}) fail(file, "the shape in the header cannot be read");
    shape.push_back(extent);
    at = end - shape_text.data() - 1;
  }
  if (shape.empty() || shape.size() > 2)
    fail(file, fmt::format("expected an array with 1 or 2 axes, found {}", shape.size()));
  const std::size_t rows = shape[0], columns = shape.size() == 2 ? shape[1] : 1;
  const std::size_t width = type.size() == 3 ? type[2] - '0' : 0;
  if (width != 4 && width != 8)
    fail(file, fmt::format("numbers of type '{}' are not supported; save as float64", type));
  if (columns != 0 && rows > (bytes.size() - begin - length) / width / columns) fail(file, "the data are cut short");
  Table table;
  table.columns = columns;
  const char* data = bytes.data() + begin + length;
  if (type == "<f8")
    append_numbers<double>(data, rows * columns, table.values);
  else if (type == "<f4")
    append_numbers<float>(data, rows * columns, table.values);
  else if (type == "<i8")
    append_numbers<std::int64_t>(data, rows * columns, table.values);
  else if (type == "<i4")
    append_numbers<std::int32_t>(data, rows * columns, table.values);
  else
    fail(file, fmt::format("numbers of type '{}' are not supported; save as float64", type));
  if (by_columns && columns > 1) {
    std::vector<double> transposed(table.values.size());
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < columns; ++k) transposed[i * columns + k] = table.values[k * rows + i];
    }
    table.values = std::move(transposed);
  }
  return table;
}

/// Closes an HDF5 identifier of any type.
struct Handle {
  hid_t id;
  explicit Handle(hid_t value) : id(value) {}
  ~Handle() {
    if (id >= 0) H5Idec_ref(id);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

Table read_hdf5(const std::filesystem::path& file, std::string dataset_name) {
  if (std::error_code none; !std::filesystem::exists(file, none)) fail(file, "no such file");
  // The library prints its own error stack unless told otherwise; ours names the file and the cause.
  H5E_auto2_t printer = nullptr;
  void* printer_data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &printer, &printer_data);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  struct Restore {
    H5E_auto2_t printer;
    void* data;
    ~Restore() { H5Eset_auto2(H5E_DEFAULT, printer, data); }
  } const restore{printer, printer_data};
  const Handle handle(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (handle.id < 0) fail(file, "is not an HDF5 file");
  if (dataset_name.empty()) {
    std::vector<std::string> names;
    H5G_info_t group;
    if (H5Gget_info(handle.id, &group) < 0) fail(file, "has no readable root group");
    for (hsize_t i = 0; i < group.nlinks; ++i) {
      char name[1024] = "";
      if (H5Lget_name_by_idx(handle.id, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, name, sizeof name, H5P_DEFAULT) < 0)
        fail(file, "has a root group that cannot be listed");
      const Handle object(H5Oopen(handle.id, name, H5P_DEFAULT));
      if (H5Iget_type(object.id) == H5I_DATASET) names.emplace_back(name);
    }
    if (names.size() != 1)
      fail(file, fmt::format("has {} datasets in its root group; say which one with `dataset`", names.size()));
    dataset_name = names.front();
  }
  const Handle dataset(H5Dopen2(handle.id, dataset_name.c_str(), H5P_DEFAULT));
  if (dataset.id < 0) fail(file, fmt::format("has no dataset '{}'", dataset_name));
  const Handle space(H5Dget_space(dataset.id));
  const int axes = H5Sget_simple_extent_ndims(space.id);
  if (axes != 1 && axes != 2)
    fail(file, fmt::format("expected a dataset with 1 or 2 axes, '{}' has {}", dataset_name, axes));
  hsize_t extents[2] = {0, 1};
  H5Sget_simple_extent_dims(space.id, extents, nullptr);
  const Handle type(H5Dget_type(dataset.id));
  const H5T_class_t sort = H5Tget_class(type.id);
  if (sort != H5T_INTEGER && sort != H5T_FLOAT)
    fail(file, fmt::format("the dataset '{}' does not hold numbers", dataset_name));
  // Deflate packs at most 1032 to 1: extents beyond that are not those that were written, or were never filled.
  const double packed = 1032.0 * static_cast<double>(H5Dget_storage_size(dataset.id));
  if (static_cast<double>(extents[0]) * static_cast<double>(extents[1]) > packed)
    fail(file, fmt::format("the dataset '{}' has {} x {} numbers by its extents, more than the {} bytes that it stores "
                           "can hold",
                           dataset_name, extents[0], extents[1], H5Dget_storage_size(dataset.id)));
  Table table;
  table.columns = extents[1];
  table.values.resize(extents[0] * extents[1]);
  if (!table.values.empty() &&
      H5Dread(dataset.id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.values.data()) < 0) {
    fail(file, fmt::format("the dataset '{}' cannot be read", dataset_name));
  }
  return table;
}

std::size_t column_of(const Table& table, const std::string& column) {
  const auto named = std::find(table.names.begin(), table.names.end(), column);
  if (named != table.names.end()) return named - table.names.begin();
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), number);
  if (error == std::errc{} && end == column.data() + column.size() && number >= 1 && number <= table.columns)
    return number - 1;
  std::string message = fmt::format("no column '{}'; there are {} columns", column, table.columns);
  if (!table.names.empty()) message += fmt::format(": {}", fmt::join(table.names, ", "));
  if (const std::string nearest = nearest_name(column, table.names); !nearest.empty())
    message += fmt::format("; did you mean '{}'?", nearest);
  throw ParameterError("columns", message);
}
}  // namespace

PointArray read_table(const std::filesystem::path& file, const TableSelection& selection) {
  const std::string extension = file.extension().string();
  Table table;
  if (extension == ".csv" || extension == ".txt" || extension == ".dat")
    table = read_csv(file);
  else if (extension == ".npy")
    table = read_npy(file);
  else if (extension == ".h5" || extension == ".hdf5")
    table = read_hdf5(file, selection.dataset);
  else
    fail(file, "unknown type of file; expected .csv, .txt, .dat, .npy, .h5 or .hdf5");
  if (table.rows() == 0) fail(file, "holds no points");
  std::vector<std::size_t> columns;
  for (const std::string& column : selection.columns) columns.push_back(column_of(table, column));
  for (std::size_t k = 0; selection.columns.empty() && k < table.columns; ++k) columns.push_back(k);
  PointArray points(static_cast<Index>(table.rows()), static_cast<int>(columns.size()));
  for (std::size_t i = 0; i < table.rows(); ++i) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const double value = table.values[i * table.columns + columns[k]];
      if (!std::isfinite(value))
        fail(file, fmt::format("point {}, column {}: {} is not a finite number", i + 1, columns[k] + 1, value));
      points(static_cast<Index>(i), static_cast<int>(k)) = value;
    }
  }
  return points;
}

}  // namespace fortet::io
