#include "quantities.hpp"

#include <sstream>

namespace fortet::bridges {

void exchange_quantities(io::State& state, std::map<std::string, double>& quantities) {
  std::string names;
  std::vector<double> values;
  for (const auto& [name, value] : quantities) {
    names += name + '\n';
    values.push_back(value);
  }
  state.text("quantities", names);
  state.list("values", values);
  if (!state.restores()) return;
  quantities.clear();
  std::istringstream lines(names);
  std::size_t i = 0;
  for (std::string name; std::getline(lines, name) && i < values.size(); ++i) quantities[name] = values[i];
}

}  // namespace fortet::bridges
