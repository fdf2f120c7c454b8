#pragma once
/// Reading of tables of numbers, rows = points: CSV (.csv, .txt, .dat), NumPy (.npy) and HDF5 (.h5, .hdf5).
#include <filesystem>
#include <string>
#include <vector>

#include "fortet/base/points.hpp"

namespace fortet::io {

/// Which part of the file to read.
struct TableSelection {
  std::string dataset;               ///< path inside an HDF5 file; empty: the only one there is
  std::vector<std::string> columns;  ///< names (CSV with a header) or numbers from 1; empty: all
};

/// Reads the whole table on the calling process. A CSV may have a byte-order mark, comment lines (#), a header, and
/// commas, semicolons or blanks between the numbers. A header is a first row in which no field is a number or stands
/// for a missing one (NA, null, -, ...). NumPy and HDF5 files hold integers, floats of 2, 4 or 8 bytes or booleans of
/// either byte order. Throws IoError with the file's name for a file that is missing, unreadable, empty, or holds a row
/// of another length or a value that is not a finite number; ParameterError("columns") for a column that does not
/// exist.
PointArray read_table(const std::filesystem::path& file, const TableSelection& selection = {});

}  // namespace fortet::io
