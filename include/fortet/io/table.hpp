#pragma once
/// Reading of tables of numbers, rows = points: CSV (.csv, .txt, .dat), NumPy (.npy) and HDF5 (.h5, .hdf5).
#include <filesystem>
#include <string>
#include <vector>

#include "fortet/base/points.hpp"

namespace fortet::io {

/// Which part of the file to read.
struct TableSelection {
  std::string dataset;               ///< path inside an HDF5 file; empty: the only dataset of the root group
  std::vector<std::string> columns;  ///< names (CSV with a header) or numbers from 1; empty: all
};

/// Reads the whole table on the calling process. A CSV may have comment lines (#), a header line, and commas,
/// semicolons or blanks between the numbers. Throws IoError with the file's name for a file that is missing,
/// unreadable, empty, or holds a row of another length or a value that is not a finite number;
/// ParameterError("columns") for a column that does not exist.
PointArray read_table(const std::filesystem::path& file, const TableSelection& selection = {});

}  // namespace fortet::io
