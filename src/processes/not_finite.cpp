#include "fortet/processes/not_finite.hpp"

#include "fortet/base/expression.hpp"

namespace fortet::processes {

namespace {
/// The earliest point with a value that is not finite in a column, if any.
void look_at(const std::string& component, const double* values, double t, ConstPoints x,
             std::optional<NotFinite>& found) {
  for (Index i = 0; !found && i < x.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    found = NotFinite{component, values[i], t, std::vector<double>(x.dimension())};
    for (int k = 0; k < x.dimension(); ++k) found->point[k] = x(i, k);
  }
}

std::optional<NotFinite> look(const Process& process, double t, ConstPoints x, int axis) {
  const int d = process.dimension();
  std::optional<NotFinite> found;
  PointArray values(x.size(), d);
  process.drift(t, x, values);
  for (int k = 0; k < d; ++k) {
    if (axis < 0 || axis == k) look_at(fmt::format("drift[{}]", k), values.view().coordinate(k), t, x, found);
  }
  const NoiseShape shape = process.noise_shape();
  if (shape != NoiseShape::none) {
    const int m = process.noise_count();
    const int columns = shape == NoiseShape::full ? d * m : shape == NoiseShape::diagonal ? d : 1;
    PointArray noise(x.size(), columns);
    process.noise(t, x, noise);
    for (int k = 0; k < columns; ++k) {
      const int row = shape == NoiseShape::full ? k / m : k;
      if (columns > 1 && axis >= 0 && axis != row) continue;
      const std::string name = shape == NoiseShape::full       ? fmt::format("noise[{}][{}]", row, k % m)
                               : shape == NoiseShape::diagonal ? fmt::format("noise[{}]", k)
                                                               : std::string("noise");
      look_at(name, noise.view().coordinate(k), t, x, found);
    }
  }
  if (process.has_potential()) {
    process.potential(x, values.view().coordinate(0));
    look_at("potential", values.view().coordinate(0), t, x, found);
  }
  return found;
}
}  // namespace

std::string NotFinite::text() const {
  const std::vector<std::string> names = Expression::default_coordinates(static_cast<int>(point.size()));
  std::string place;
  for (std::size_t k = 0; k < point.size() && k < 6; ++k) place += fmt::format("{} = {:.6g}, ", names[k], point[k]);
  if (point.size() > 6) place += "..., ";
  return fmt::format("{} is {} at {}t = {:.6g}", component, std::isnan(value) ? std::abs(value) : value, place, time);
}

std::optional<NotFinite> first_not_finite(const Process& process, double t, ConstPoints x, int axis) {
  try {
    for (Index begin = 0; begin < x.size(); begin += block_size) {
      if (auto found = look(process, t, x.slice(begin, std::min(block_size, x.size() - begin)), axis)) return found;
    }
  } catch (const NotComputedYet&) {
  }
  return std::nullopt;
}

}  // namespace fortet::processes
