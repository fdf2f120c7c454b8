// The attributes have a page of their own, docs/weights.md: change both together.
#include "meaning.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fortet/base/error.hpp"

namespace fortet::training {

namespace {
constexpr int rows = 8;
constexpr std::uint64_t numbers_of_standard = 4;
constexpr std::size_t columns = table_columns.size(), first_of_decoding = 4;

/// Equal up to the rounding of other compilers and libraries.
bool same(double a, double b) { return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }
}  // namespace

Meaning meaning_of(const std::string& objective, const Head& head, int dimension) {
  Meaning meaning{objective, head.name, head.predict, head.horizon, head.centre, {}, {}};
  if (meaning.centre.size() > 0 && meaning.centre.isZero(0)) meaning.centre.resize(0);
  for (int k = 0; k < rows; ++k) {  // inside: at the ends a decoding may be infinite
    const double t = head.horizon * (k + 0.5) / rows;
    const Decoding d = head.decoding(t);
    const PathPoint path = head.path(t);
    for (const double value : {t, path.start, path.end, path.noise, d.input, d.time, d.skip, d.gain}) {
      meaning.table.push_back(value);
    }
    for (int coordinate = 0; head.standard && coordinate < dimension; ++coordinate) {
      const Standard of = head.standard(t, coordinate);
      meaning.standard.insert(meaning.standard.end(), {of.centre, of.deviation, of.offset, of.scale});
    }
  }
  return meaning;
}

void write_meaning(io::Hdf5File& file, const std::string& group, const Meaning& meaning) {
  file.attribute(group, "objective", meaning.objective);
  file.attribute(group, "field", meaning.field);
  file.attribute(group, "predict", meaning.predict);
  file.attribute(group, "horizon", meaning.horizon);
  file.write(group + "/decoding", {meaning.table.size() / columns, columns}, std::span<const double>(meaning.table));
  if (!meaning.standard.empty()) {
    file.write(group + "/standard", {rows, meaning.standard.size() / (rows * numbers_of_standard), numbers_of_standard},
               std::span<const double>(meaning.standard));
  }
  if (meaning.centre.size() > 0) {
    file.write(group + "/centre", {static_cast<std::uint64_t>(meaning.centre.size())},
               std::span<const double>(meaning.centre.data(), static_cast<std::size_t>(meaning.centre.size())));
  }
}

std::optional<Meaning> read_meaning(io::Hdf5File& file, const std::string& group, const std::string& file_name) {
  if (!file.has_attribute(group, "predict")) return std::nullopt;
  Meaning meaning;
  meaning.objective = file.text_attribute(group, "objective");
  meaning.field = file.text_attribute(group, "field");
  meaning.predict = file.text_attribute(group, "predict");
  meaning.horizon = file.real_attribute(group, "horizon");
  if (file.shape(group + "/decoding") != std::vector<std::uint64_t>{rows, columns}) {
    throw IoError(fmt::format("{}: {}/decoding has not the shape ({}, {})", file_name, group, rows, columns));
  }
  meaning.table = file.read<double>(group + "/decoding");
  if (file.has(group + "/standard")) meaning.standard = file.read<double>(group + "/standard");
  if (file.has(group + "/centre")) {
    const std::vector<double> centre = file.read<double>(group + "/centre");
    meaning.centre = Eigen::Map<const Eigen::VectorXd>(centre.data(), static_cast<Eigen::Index>(centre.size()));
  }
  return meaning;
}

std::string first_difference(const Meaning& in_file, const Meaning& here, bool also_path) {
  if (in_file.field != here.field) {
    return fmt::format("field: {} in the file, {} in the deck", in_file.field, here.field);
  }
  if (in_file.predict != here.predict) {
    return fmt::format("predict: {} in the file, {} in the deck", in_file.predict, here.predict);
  }
  if (!same(in_file.horizon, here.horizon)) {
    return fmt::format("horizon: {:g} in the file, {:g} in the deck", in_file.horizon, here.horizon);
  }
  for (std::size_t i = 0; i < here.table.size(); ++i) {
    const std::size_t column = i % columns;
    if (column < first_of_decoding && !also_path) continue;
    const double theirs = in_file.table[i], ours = here.table[i];
    if (same(theirs, ours)) continue;
    const double t = here.table[i - column];
    if (column < first_of_decoding) {
      return fmt::format("the law that is learned from: {} at t = {:g} is {:.6g} in the file, {:.6g} in the deck",
                         column == 1   ? "the factor of X_0"
                         : column == 2 ? "the factor of X_1"
                                       : "the deviation of the noise",
                         t, theirs, ours);
    }
    return fmt::format("decoding: {} at t = {:g} is {:.6g} in the file, {:.6g} in the deck", table_columns[column], t,
                       theirs, ours);
  }
  const auto count = std::max(in_file.centre.size(), here.centre.size());
  const auto centre = [](const Meaning& of, Eigen::Index k) { return k < of.centre.size() ? of.centre[k] : 0.0; };
  for (Eigen::Index k = 0; k < count; ++k) {
    if (same(centre(in_file, k), centre(here, k))) continue;
    return fmt::format("centre: coordinate {} is {:.6g} in the file, {:.6g} in the deck", k, centre(in_file, k),
                       centre(here, k));
  }
  if (in_file.standard.empty() != here.standard.empty()) {
    return fmt::format("standardise: {} in the file, {} in the deck", !in_file.standard.empty(),
                       !here.standard.empty());
  }
  if (in_file.standard.size() != here.standard.size()) return "standardise: of another number of coordinates";
  for (std::size_t i = 0; i < here.standard.size(); ++i) {
    if (same(in_file.standard[i], here.standard[i])) continue;
    constexpr std::array<const char*, numbers_of_standard> names{"centre", "deviation", "offset", "scale"};
    return fmt::format(
        "standardise: a {} is {:.6g} in the file, {:.6g} in the deck (it comes from the laws and the "
        "seed)",
        names[i % numbers_of_standard], in_file.standard[i], here.standard[i]);
  }
  return "";
}

}  // namespace fortet::training
