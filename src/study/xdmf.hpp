#pragma once
// XDMF 2 description of study.h5 for ParaView: one time series per density and per ensemble.
#include <map>

#include "fortet/densities/grid.hpp"

namespace fortet::study {

class Xdmf {
 public:
  explicit Xdmf(std::string file) : file_(std::move(file)) {}
  /// Cell values of a density whose edges stand in `base`/grid and values in `group`.
  void add_cells(const std::string& name, double time, const densities::Grid& grid, const std::string& base,
                 const std::string& group, const std::vector<std::string>& vectors);
  void add_points(const std::string& name, double time, std::int64_t count, std::int64_t dimension,
                  const std::string& group);
  std::string text() const;

 private:
  std::string item(const std::string& shape, const std::string& path) const;
  std::string file_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> series_;
  std::string& series(const std::string& name);
};

}  // namespace fortet::study
