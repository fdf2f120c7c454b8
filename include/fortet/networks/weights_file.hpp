#pragma once
/// Weights on disk: HDF5 with the architecture as attributes; docs/weights.md has the format and a reader in Python.
#include <filesystem>

#include "fortet/io/hdf5_file.hpp"
#include "fortet/networks/network.hpp"

namespace fortet::networks {

/// Writes the architecture and one named vector of weights ("weights", "average", ...) of it under `group`. Collective.
template <class Real>
void write_network(io::Hdf5File& file, const std::string& group, const Network<Real>& network,
                   const std::vector<std::pair<std::string, std::span<const Real>>>& vectors);

/// The architecture of a network in a file; throws IoError as below. Collective.
Architecture read_architecture(const std::filesystem::path& path, const std::string& group,
                               const parallel::Communicator& communicator);

/// Reads a vector of weights into a network; throws UsageError naming the first difference when the file's architecture
/// is another one, IoError for a file that is truncated or fails its checksum. Collective.
template <class Real>
void read_network(const std::filesystem::path& path, const std::string& group, const std::string& vector,
                  Network<Real>& network, const parallel::Communicator& communicator);

}  // namespace fortet::networks
