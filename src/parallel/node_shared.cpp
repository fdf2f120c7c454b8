#include "fortet/parallel/node_shared.hpp"

namespace fortet::parallel {

/// Memory of the ranks of a node, or of one rank alone.
struct NodeShared::Window {
  MPI_Win handle = MPI_WIN_NULL;
  std::vector<double> alone;
};

/// The ranks that share copies, and the first of each node as they speak for it. Freed by the communicator.
struct NodeShared::Node {
  Node(const Communicator& all, int most_ranks) : most(most_ranks) {
    MPI_Comm_split_type(all.handle(), MPI_COMM_TYPE_SHARED, all.rank(), MPI_INFO_NULL, &ranks);
    if (most > 0) {
      int rank = 0;
      MPI_Comm_rank(ranks, &rank);
      MPI_Comm part = MPI_COMM_NULL;
      MPI_Comm_split(ranks, rank / most, rank, &part);
      MPI_Comm_free(&ranks);
      ranks = part;
    }
    MPI_Comm_set_errhandler(ranks, MPI_ERRORS_RETURN);  // of windows that find no memory
    MPI_Comm_rank(ranks, &rank);
    MPI_Comm_size(ranks, &size);
    MPI_Comm_split(all.handle(), rank == 0 ? 0 : MPI_UNDEFINED, all.rank(), &leaders);
    if (leaders != MPI_COMM_NULL) MPI_Comm_size(leaders, &nodes);
    MPI_Bcast(&nodes, 1, MPI_INT, 0, ranks);
  }
  ~Node() {
    for (const auto& window : windows) release(*window);
    MPI_Comm_free(&ranks);
    if (leaders != MPI_COMM_NULL) MPI_Comm_free(&leaders);
  }
  /// Gives back what no rank of the node uses any more. The ranks hold the same windows in the same order.
  void collect() {
    std::vector<int> unused;
    for (const auto& window : windows) unused.push_back(window.use_count() == 1);
    MPI_Allreduce(MPI_IN_PLACE, unused.data(), static_cast<int>(unused.size()), MPI_INT, MPI_MIN, ranks);
    std::vector<std::shared_ptr<Window>> used;
    for (std::size_t i = 0; i < windows.size(); ++i) {
      if (unused[i])
        release(*windows[i]);
      else
        used.push_back(std::move(windows[i]));
    }
    windows = std::move(used);
  }
  static void release(Window& window) {
    if (window.handle == MPI_WIN_NULL) return;
    MPI_Win_unlock_all(window.handle);
    MPI_Win_free(&window.handle);
  }
  void synchronise(const Window& window) const {
    if (size == 1) return;
    MPI_Win_sync(window.handle);
    MPI_Barrier(ranks);
    MPI_Win_sync(window.handle);
  }

  int most, rank = 0, size = 1, nodes = 1;
  MPI_Comm ranks = MPI_COMM_NULL, leaders = MPI_COMM_NULL;
  std::vector<std::shared_ptr<Window>> windows;  ///< of more than one rank
};

/// What a communicator keeps as its attribute.
struct NodeShared::Nodes {
  std::vector<std::unique_ptr<Node>> all;
  static int forget(MPI_Comm, int, void* nodes, void*) {
    delete static_cast<Nodes*>(nodes);
    return MPI_SUCCESS;
  }
};

NodeShared::Node& NodeShared::node_of(const Communicator& ranks, int most) {
  static const int key = [] {
    int created = MPI_KEYVAL_INVALID;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, &Nodes::forget, &created, nullptr);
    return created;
  }();
  Nodes* nodes = nullptr;
  int found = 0;
  MPI_Comm_get_attr(ranks.handle(), key, static_cast<void*>(&nodes), &found);
  if (!found) {
    nodes = new Nodes;
    MPI_Comm_set_attr(ranks.handle(), key, nodes);
  }
  for (const auto& node : nodes->all) {
    if (node->most == most) return *node;
  }
  nodes->all.push_back(std::make_unique<Node>(ranks, most));
  return *nodes->all.back();
}

NodeShared::NodeShared(const Communicator& ranks, std::int64_t count, int most)
    : node_(&node_of(ranks, most)), window_(std::make_shared<Window>()), count_(count) {
  bool failed = false;
  if (node_->size == 1) {
    window_->alone.assign(count, 0.0);
    data_ = window_->alone.data();
  } else {
    node_->collect();
    const MPI_Aint bytes = node_->rank == 0 ? static_cast<MPI_Aint>(count * sizeof(double)) : 0;
    void* own = nullptr;
    failed = MPI_Win_allocate_shared(bytes, sizeof(double), MPI_INFO_NULL, node_->ranks, static_cast<void*>(&own),
                                     &window_->handle) != MPI_SUCCESS;
  }
  if (ranks.any(failed)) {
    throw Error(ExitCode::internal, "a node has no room for " + std::to_string(count * sizeof(double) / 1000000) +
                                        " MB that its ranks share; take more nodes, fewer cells or fewer slices");
  }
  if (node_->size == 1) return;
  node_->windows.push_back(window_);
  MPI_Aint size = 0;
  int unit = 0;
  MPI_Win_shared_query(window_->handle, 0, &size, &unit, static_cast<void*>(&data_));
  MPI_Win_lock_all(MPI_MODE_NOCHECK, window_->handle);
  // Every rank touches its share first, so that the memory lies near all of them.
  const std::int64_t begin = count * node_->rank / node_->size, end = count * (node_->rank + 1) / node_->size;
  std::fill(data_ + begin, data_ + end, 0.0);
  node_->synchronise(*window_);
}

bool NodeShared::is_leader() const { return node_->rank == 0; }

void NodeShared::write(std::int64_t first, std::span<const double> part) {
  std::copy(part.begin(), part.end(), data_ + first);
  if (node_->nodes == 1) return;
  const std::int64_t own[2] = {first, static_cast<std::int64_t>(part.size())};
  std::vector<std::int64_t> here(2 * node_->size), all;
  MPI_Gather(own, 2, MPI_INT64_T, here.data(), 2, MPI_INT64_T, 0, node_->ranks);
  node_->synchronise(*window_);
  if (!is_leader()) return;
  std::vector<int> counts(node_->nodes), offsets(node_->nodes);
  const int mine = static_cast<int>(here.size());
  MPI_Allgather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, node_->leaders);
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  all.resize(offsets.back() + counts.back());
  MPI_Allgatherv(here.data(), mine, MPI_INT64_T, all.data(), counts.data(), offsets.data(), MPI_INT64_T,
                 node_->leaders);
  constexpr std::int64_t chunk = std::int64_t{1} << 26;  // MPI counts are ints
  for (int node = 0; node < node_->nodes; ++node) {
    for (int range = offsets[node]; range < offsets[node] + counts[node]; range += 2) {
      const std::int64_t end = all[range] + all[range + 1];
      for (std::int64_t begin = all[range]; begin < end; begin += chunk) {
        MPI_Bcast(data_ + begin, static_cast<int>(std::min(chunk, end - begin)), MPI_DOUBLE, node, node_->leaders);
      }
    }
  }
}

void NodeShared::complete() { node_->synchronise(*window_); }

}  // namespace fortet::parallel
