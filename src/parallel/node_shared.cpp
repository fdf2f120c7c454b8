#include "fortet/parallel/node_shared.hpp"

#include <atomic>

#include "mapped_file.hpp"

namespace fortet::parallel {

/// Memory of the ranks of a node, or of one rank alone, or a file.
struct NodeShared::Window {
  MPI_Win handle = MPI_WIN_NULL;
  std::vector<double> alone;
  MappedFile file;
  void synchronise() const {
    if (handle != MPI_WIN_NULL)
      MPI_Win_sync(handle);
    else
      std::atomic_thread_fence(std::memory_order_seq_cst);
  }
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
    window.synchronise();
    MPI_Barrier(ranks);
    window.synchronise();
  }

  int most, rank = 0, size = 1, nodes = 1;
  MPI_Comm ranks = MPI_COMM_NULL, leaders = MPI_COMM_NULL;
  std::vector<std::shared_ptr<Window>> windows;  ///< of memory of more than one rank
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

NodeShared::NodeShared(const Communicator& ranks, std::int64_t count, const std::string& folder, int most)
    : node_(&node_of(ranks, most)), window_(std::make_shared<Window>()), count_(count) {
  if (folder.empty())
    take_window(ranks);
  else
    take_file(ranks, folder);
}

void NodeShared::take_window(const Communicator& ranks) {
  bool failed = false;
  if (node_->size == 1) {
    window_->alone.assign(count_, 0.0);
    data_ = window_->alone.data();
  } else {
    node_->collect();
    const MPI_Aint bytes = node_->rank == 0 ? static_cast<MPI_Aint>(count_ * sizeof(double)) : 0;
    void* own = nullptr;
    failed = MPI_Win_allocate_shared(bytes, sizeof(double), MPI_INFO_NULL, node_->ranks, static_cast<void*>(&own),
                                     &window_->handle) != MPI_SUCCESS;
  }
  if (ranks.any(failed)) {
    throw Error(ExitCode::internal, "a node has no room for " + std::to_string(count_ * sizeof(double) / 1000000) +
                                        " MB that its ranks share; take more nodes, fewer cells or fewer slices");
  }
  if (node_->size == 1) return;
  node_->windows.push_back(window_);
  MPI_Aint size = 0;
  int unit = 0;
  MPI_Win_shared_query(window_->handle, 0, &size, &unit, static_cast<void*>(&data_));
  MPI_Win_lock_all(MPI_MODE_NOCHECK, window_->handle);
  // Every rank touches its share first, so that the memory lies near all of them.
  const std::int64_t begin = count_ * node_->rank / node_->size, end = count_ * (node_->rank + 1) / node_->size;
  std::fill(data_ + begin, data_ + end, 0.0);
  node_->synchronise(*window_);
}

void NodeShared::take_file(const Communicator& ranks, const std::string& folder) {
  const std::size_t bytes = std::max<std::size_t>(count_, 1) * sizeof(double);  // none cannot be mapped
  MappedFile& file = window_->file;
  const auto on_all = [&](const std::function<void()>& step) {
    together(ranks, [&] {
      try {
        step();
      } catch (const IoError& error) {
        char node[MPI_MAX_PROCESSOR_NAME];
        int length = 0;
        MPI_Get_processor_name(node, &length);
        throw IoError(
            fmt::format("cannot put {:.0f} MB that the ranks of node {} share into the folder {}: {}; name another "
                        "folder (slices_folder), or take fewer cells or slices, or slices_on: memory",
                        std::ceil(static_cast<double>(bytes) / 1e6), std::string(node, length), folder, error.what()));
      }
    });
  };
  on_all([&] {
    if (is_leader()) file.create(folder);
  });
  std::string name = file.name();
  Communicator(node_->ranks).broadcast(name);
  on_all([&] {
    if (!is_leader()) file.open(name);
  });
  on_all([&] {
    if (is_leader()) file.reserve(bytes);
  });
  on_all([&] { data_ = static_cast<double*>(file.map(bytes)); });
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
