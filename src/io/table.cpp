#include "fortet/io/table.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
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

/// Words that other programs write where a number is missing.
bool stands_for_nothing(const std::string& word) {
  std::string lower = word;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower == "na" || lower == "n/a" || lower == "#n/a" || lower == "null" || lower == "none" ||
         lower == "missing" || lower == "-" || lower == "?" || lower == ".";
}

/// A first row that names the columns: none of its fields is a number or says that one is missing, and not all are
/// empty (the name of an index column may be).
bool is_header(const std::vector<std::string>& words) {
  double value = 0;
  return std::none_of(words.begin(), words.end(),
                      [&](const std::string& word) { return to_number(word, value) || stands_for_nothing(word); }) &&
         std::any_of(words.begin(), words.end(), [](const std::string& word) { return !word.empty(); });
}

/// The text of a file without a byte-order mark, its lines ended by line feeds.
std::string text_of(const std::filesystem::path& file) {
  std::string text = read_bytes(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) fail(file, "is UTF-16 text; save it as UTF-8");
  std::size_t kept = 0;  // in place: files are large
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r')
      text[kept++] = text[i];
    else if (i + 1 == text.size() || text[i + 1] != '\n')
      text[kept++] = '\n';
  }
  text.resize(kept);
  return text;
}

Table read_csv(const std::filesystem::path& file) {
  std::istringstream stream(text_of(file));
  Table table;
  std::string line;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') continue;
    const std::vector<std::string> words = split(line);
    if (table.columns == 0 && table.names.empty() && is_header(words)) {
      table.names = words;
      continue;
    }
    if (line.find(';') != std::string::npos && line.find(',') != std::string::npos) {
      fail(file, fmt::format("line {}: has both ';' and ','; write numbers with a decimal point", number));
    }
    std::vector<double> row(words.size());
    for (std::size_t k = 0; k < words.size(); ++k) {
      if (!to_number(words[k], row[k]))
        fail(file, fmt::format("line {}, column {}: expected a number, found '{}'", number, k + 1, words[k]));
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

/// IEEE 754 binary16.
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 0    ? std::ldexp(fraction, -24)
                        : exponent == 31 ? fraction ? std::nan("") : HUGE_VAL
                                         : std::ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -size : size;
  }
};

template <class Number>
void append_numbers(const char* bytes, std::size_t count, bool is_swapped, std::vector<double>& out) {
  for (std::size_t i = 0; i < count; ++i) {
    std::array<char, sizeof(Number)> raw;
    std::memcpy(raw.data(), bytes + i * sizeof(Number), sizeof(Number));
    if (is_swapped) std::reverse(raw.begin(), raw.end());
    out.push_back(static_cast<double>(std::bit_cast<Number>(raw)));
  }
}

using Append = void (*)(const char*, std::size_t, bool, std::vector<double>&);
/// By NumPy's letter and width; null for types that hold no real numbers that fit a double.
Append append_of(const std::string& type) {
  static const std::map<std::string, Append> known{
      {"f8", append_numbers<double>},        {"f4", append_numbers<float>},
      {"f2", append_numbers<Half>},          {"i8", append_numbers<std::int64_t>},
      {"i4", append_numbers<std::int32_t>},  {"i2", append_numbers<std::int16_t>},
      {"i1", append_numbers<std::int8_t>},   {"u8", append_numbers<std::uint64_t>},
      {"u4", append_numbers<std::uint32_t>}, {"u2", append_numbers<std::uint16_t>},
      {"u1", append_numbers<std::uint8_t>},  {"b1", append_numbers<std::uint8_t>}};
  const auto found = known.find(type);
  return found == known.end() ? nullptr : found->second;
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
  const std::string description = after("'descr'"), shape_text = after("'shape'");
  // Byte order, letter and width in quotes; a record starts with a bracket.
  const std::string type = description.substr(1, description.find_first_of("',", 1) - 1);
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
  const Append append = type.size() == 3 ? append_of(type.substr(1)) : nullptr;
  if (!append) fail(file, fmt::format("numbers of type '{}' are not supported; save as float64", type));
  const std::size_t width = type[2] - '0';
  if (columns != 0 && rows > (bytes.size() - begin - length) / width / columns) fail(file, "the data are cut short");
  Table table;
  table.columns = columns;
  append(bytes.data() + begin + length, rows * columns, type[0] == '>', table.values);
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

/// Path of the one dataset of a file; with several, which of them is meant is not guessed.
std::string only_dataset(const std::filesystem::path& file, hid_t handle) {
  std::vector<std::string> names;
  const auto visit = [](hid_t group, const char* name, const auto*, void* found) -> herr_t {
    const Handle object(H5Oopen(group, name, H5P_DEFAULT));
    if (H5Iget_type(object.id) == H5I_DATASET) static_cast<std::vector<std::string>*>(found)->emplace_back(name);
    return 0;
  };
  if (H5Lvisit(handle, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &names) < 0) fail(file, "cannot be listed");
  if (names.empty()) fail(file, "holds no dataset");
  if (names.size() > 1) {
    const std::size_t shown = std::min<std::size_t>(names.size(), 10);
    fail(file, fmt::format("has {} datasets; say which one with `dataset`: {}{}", names.size(),
                           fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                           shown < names.size() ? ", ..." : ""));
  }
  return names.front();
}

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
  if (dataset_name.empty()) dataset_name = only_dataset(file, handle.id);
  const Handle dataset(H5Dopen2(handle.id, dataset_name.c_str(), H5P_DEFAULT));
  if (dataset.id < 0) fail(file, fmt::format("has no dataset '{}'", dataset_name));
  const Handle space(H5Dget_space(dataset.id));
  const int axes = H5Sget_simple_extent_ndims(space.id);
  if (axes != 1 && axes != 2)
    fail(file, fmt::format("expected a dataset with 1 or 2 axes, '{}' has {}", dataset_name, axes));
  hsize_t extents[2] = {0, 1};
  H5Sget_simple_extent_dims(space.id, extents, nullptr);
  const Handle type(H5Dget_type(dataset.id));
  const bool is_truth = H5Tget_class(type.id) == H5T_ENUM && H5Tget_nmembers(type.id) == 2;  // as h5py writes booleans
  const Handle numbers(is_truth ? H5Tget_super(type.id) : H5Tcopy(type.id));
  const H5T_class_t sort = H5Tget_class(numbers.id);
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
  // An enumeration is read as it is, and its numbers are then converted in place.
  if (!table.values.empty() && (H5Dread(dataset.id, is_truth ? type.id : H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL,
                                        H5P_DEFAULT, table.values.data()) < 0 ||
                                (is_truth && H5Tconvert(numbers.id, H5T_NATIVE_DOUBLE, table.values.size(),
                                                        table.values.data(), nullptr, H5P_DEFAULT) < 0))) {
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
