#pragma once
/// Numbers that all ranks read and of which each node holds one copy: in a shared window of MPI-3, or in a file that
/// its ranks map, of which the system keeps in memory what it has room for.
#include <memory>
#include <span>
#include <string>

#include "fortet/parallel/communicator.hpp"

namespace fortet::parallel {

/// Construction, write() and complete() are collective over the communicator, destruction is not: an object may go at
/// any time and in any order, also while an exception unwinds. Its memory is given back, collectively, at the next
/// construction on the same communicator that finds it gone on all ranks of the node, and at the latest when that
/// communicator is freed.
class NodeShared {
 public:
  NodeShared() = default;
  /// Room for `count` numbers, all zero. `folder`: of a disk of this node, where they lie in a file; empty: in memory.
  /// `most`: at most so many ranks of a node share a copy, 0: all. Throws Error on all ranks where a node has no room
  /// for them.
  NodeShared(const Communicator& ranks, std::int64_t count, const std::string& folder = {}, int most = 0);

  /// Puts this rank's numbers at [first, first + part.size()) of the copies of all nodes. The ranges of different ranks
  /// must not overlap. They can be read after complete().
  void write(std::int64_t first, std::span<const double> part);
  /// What was written before is seen by all ranks after it.
  void complete();
  /// The copy of this node, for changes that are the same on all nodes, between two calls of complete(): by is_leader()
  /// alone.
  double* change() { return data_; }
  bool is_leader() const;

  std::span<const double> values() const { return {data_, static_cast<std::size_t>(count_)}; }

 private:
  struct Window;
  struct Node;
  struct Nodes;
  static Node& node_of(const Communicator& ranks, int most);
  void take_window(const Communicator& ranks);
  void take_file(const Communicator& ranks, const std::string& folder);

  Node* node_ = nullptr;  ///< kept by the communicator
  std::shared_ptr<Window> window_;
  double* data_ = nullptr;
  std::int64_t count_ = 0;
};

}  // namespace fortet::parallel
