// The format has a page of its own, docs/weights.md: change both together, and the version with them.
#include "fortet/networks/weights_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cmath>

#include "fortet/base/error.hpp"
#include "fortet/io/seal.hpp"
#include "names.hpp"

namespace fortet::networks {

namespace {
constexpr std::int64_t format_version = 1;
const std::string format_name = "fortet network";

template <class Real>
constexpr const char* precision_of = sizeof(Real) == 4 ? "float" : "double";

template <class Value>
std::string checksum(std::span<const Value> values) {
  boost::crc_32_type crc;
  crc.process_bytes(values.data(), values.size_bytes());
  return fmt::format("{:08x}", crc.checksum());
}

template <class Value>
void write_vector(io::Hdf5File& file, const std::string& path, std::span<const Value> values) {
  file.write(path, {values.size()}, values);
  file.attribute(path, "checksum", checksum(values));
}

template <class Value>
std::vector<Value> read_vector(io::Hdf5File& file, const std::string& path, std::size_t count,
                               const std::string& file_name, const parallel::Communicator& communicator) {
  const std::vector<std::uint64_t> shape = file.shape(path);
  if (shape != std::vector<std::uint64_t>{count}) {
    throw IoError(fmt::format("{}: {} has the shape ({}) where ({}) was expected", file_name, path,
                              fmt::join(shape, ", "), count));
  }
  std::vector<Value> values = file.read<Value>(path);
  const std::string expected = file.text_attribute(path, "checksum");
  const std::string found = checksum(std::span<const Value>(values));
  if (communicator.any(found != expected)) {
    throw IoError(
        fmt::format("{}: {} is damaged: its checksum is {} where the file says {}", file_name, path, found, expected));
  }
  if (!std::all_of(values.begin(), values.end(), [](Value value) { return std::isfinite(value); })) {
    throw IoError(fmt::format("{}: {} holds a number that is not finite", file_name, path));
  }
  return values;
}

Architecture read_architecture(io::Hdf5File& file, const std::string& group, const std::string& file_name) {
  if (!file.has(group) || file.text_attribute(group, "format") != format_name) {
    throw IoError(fmt::format("{}: {} is not a network", file_name, group));
  }
  const auto integer = [&](const std::string& name) {
    const std::vector<std::int64_t> values = file.integers_attribute(group, name);
    if (values.size() != 1) throw IoError(fmt::format("{}: {} of {} is not one integer", file_name, name, group));
    return values.front();
  };
  if (const std::int64_t version = integer("version"); version != format_version) {
    throw IoError(fmt::format("{}: {} has version {} of the format where this program reads version {}", file_name,
                              group, version, format_version));
  }
  const auto one_of = [&](const auto& names, const std::string& name) {
    const std::string value = file.text_attribute(group, name);
    if (std::find(names.begin(), names.end(), value) == names.end()) {
      throw IoError(fmt::format("{}: {} of {} is '{}' where one of {} was expected", file_name, name, group, value,
                                fmt::join(names, ", ")));
    }
    return value;
  };
  Architecture a;
  a.inputs = static_cast<int>(integer("inputs"));
  a.outputs = static_cast<int>(integer("outputs"));
  for (const std::int64_t width : file.integers_attribute(group, "hidden")) a.hidden.push_back(static_cast<int>(width));
  a.activation = value_of<Activation>(activation_names, one_of(activation_names, "activation"));
  a.residual = integer("residual") != 0;
  a.time = value_of<TimeFeatures>(time_names, one_of(time_names, "time"));
  a.time_count = static_cast<int>(integer("time_features"));
  a.time_scale = file.real_attribute(group, "time_scale");
  a.precision = file.text_attribute(group, "precision");
  return a;
}

/// "hidden: [64, 64] in the file, [64] here" of the first difference, empty if there is none.
std::string first_difference(const Architecture& in_file, const Architecture& here) {
  std::string found;
  const auto compare = [&](const char* what, const auto& a, const auto& b) {
    if (found.empty() && a != b) found = fmt::format("{}: {} in the file, {} here", what, a, b);
  };
  compare("inputs", in_file.inputs, here.inputs);
  compare("outputs", in_file.outputs, here.outputs);
  compare("hidden", in_file.hidden, here.hidden);
  compare("activation", name_of(activation_names, in_file.activation), name_of(activation_names, here.activation));
  compare("residual", in_file.residual, here.residual);
  compare("time", name_of(time_names, in_file.time), name_of(time_names, here.time));
  if (here.time == TimeFeatures::fourier || here.time == TimeFeatures::sinusoidal) {
    compare("time_features", in_file.time_count, here.time_count);
    compare("time_scale", in_file.time_scale, here.time_scale);
  }
  compare("precision", in_file.precision, here.precision);
  return found;
}
}  // namespace

template <class Real>
void write_network(io::Hdf5File& file, const std::string& group, const Network<Real>& network,
                   const std::vector<std::pair<std::string, std::span<const Real>>>& vectors) {
  const Architecture& a = network.architecture();
  file.attribute(group, "format", format_name);
  file.integer_attribute(group, "version", format_version);
  file.integer_attribute(group, "inputs", a.inputs);
  file.integer_attribute(group, "outputs", a.outputs);
  file.integers_attribute(group, "hidden", std::vector<std::int64_t>(a.hidden.begin(), a.hidden.end()));
  file.attribute(group, "activation", name_of(activation_names, a.activation));
  file.integer_attribute(group, "residual", a.residual ? 1 : 0);
  file.attribute(group, "time", name_of(time_names, a.time));
  file.integer_attribute(group, "time_features", a.time_count);
  file.attribute(group, "time_scale", a.time_scale);
  file.attribute(group, "precision", std::string(precision_of<Real>));
  if (!network.frequencies().empty()) write_vector(file, group + "/frequencies", network.frequencies());
  for (const auto& [name, values] : vectors) write_vector(file, group + "/" + name, values);
}

Architecture read_architecture(const std::filesystem::path& path, const std::string& group,
                               const parallel::Communicator& communicator) {
  io::verify_seal(communicator, path.string());
  io::Hdf5File file(communicator, path.string(), io::Hdf5File::Mode::read);
  return read_architecture(file, group, path.string());
}

template <class Real>
void read_network(const std::filesystem::path& path, const std::string& group, const std::string& vector,
                  Network<Real>& network, const parallel::Communicator& communicator) {
  const std::string name = path.string();
  io::verify_seal(communicator, name);
  io::Hdf5File file(communicator, name, io::Hdf5File::Mode::read);
  Architecture here = network.architecture();
  here.precision = precision_of<Real>;
  if (const std::string difference = first_difference(read_architecture(file, group, name), here);
      !difference.empty()) {
    throw UsageError(fmt::format("{}: {} is another network: {}", name, group, difference));
  }
  const std::vector<Real> values =
      read_vector<Real>(file, group + "/" + vector, network.parameters().size(), name, communicator);
  if (!network.frequencies().empty()) {
    const std::vector<double> frequencies =
        read_vector<double>(file, group + "/frequencies", network.frequencies().size(), name, communicator);
    std::copy(frequencies.begin(), frequencies.end(), network.frequencies().begin());
  }
  std::copy(values.begin(), values.end(), network.parameters().begin());
}

template void write_network(io::Hdf5File&, const std::string&, const Network<float>&,
                            const std::vector<std::pair<std::string, std::span<const float>>>&);
template void write_network(io::Hdf5File&, const std::string&, const Network<double>&,
                            const std::vector<std::pair<std::string, std::span<const double>>>&);
template void read_network(const std::filesystem::path&, const std::string&, const std::string&, Network<float>&,
                           const parallel::Communicator&);
template void read_network(const std::filesystem::path&, const std::string&, const std::string&, Network<double>&,
                           const parallel::Communicator&);

}  // namespace fortet::networks
