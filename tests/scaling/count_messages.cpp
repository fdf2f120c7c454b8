// Counts what a program sends, through MPI's profiling interface: a library to be preloaded,
//   mpirun -n 4 -x LD_PRELOAD=libcount_messages.so -x COUNT_MESSAGES_FILE=counts.json fortet run deck.yaml
// At MPI_Finalize rank 0 appends one line of JSON: for each kind and function the calls, messages, bytes and seconds,
// as sums and as largest values over the ranks. Counted are the arguments of the calls, not what an implementation
// makes of them:
//   point_to_point  messages to another rank and their bytes, of persistent requests at each start
//   all_to_all      one message for each other rank that is sent something, and those bytes
//   others          no messages (their number is the implementation's affair), the bytes of this rank's part
// With COUNT_MESSAGES_PING_PONG set, ranks 0 and 1 also measure what a message costs them.
#include <mpi.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace {

#define FUNCTIONS(X)                                                                                                   \
  X(point_to_point, Send)                                                                                              \
  X(point_to_point, Ssend) X(point_to_point, Rsend) X(point_to_point, Bsend) X(point_to_point, Isend) X(               \
      point_to_point, Issend) X(point_to_point, Irsend) X(point_to_point, Sendrecv) X(point_to_point, Start)           \
      X(point_to_point, Startall) X(neighbourhood, Neighbor_alltoall) X(neighbourhood, Neighbor_alltoallv) X(          \
          neighbourhood, Ineighbor_alltoallv) X(reductions, Allreduce) X(reductions, Iallreduce) X(reductions, Reduce) \
          X(reductions, Ireduce) X(reductions, Reduce_scatter) X(reductions, Reduce_scatter_block) X(reductions, Scan) \
              X(reductions, Exscan) X(broadcasts, Bcast) X(broadcasts, Ibcast) X(gathers, Gather) X(gathers, Gatherv)  \
                  X(gathers, Allgather) X(gathers, Allgatherv) X(gathers, Scatter) X(gathers, Scatterv)                \
                      X(all_to_all, Alltoall) X(all_to_all, Alltoallv) X(all_to_all, Alltoallw) X(barriers, Barrier)   \
                          X(barriers, Ibarrier) X(communicators, Comm_dup) X(communicators, Comm_split)                \
                              X(communicators, Comm_split_type) X(windows, Win_allocate_shared) X(windows, Win_fence)  \
                                  X(files, File_open) X(files, File_write_at) X(files, File_write_at_all)              \
                                      X(files, File_write_all) X(files, File_read_at) X(files, File_read_at_all)       \
                                          X(files, File_read_all) X(files, File_set_view)

enum Function {
#define NAME(kind, function) function##_,
  FUNCTIONS(NAME)
#undef NAME
      function_count
};
struct Label {
  const char *kind, *name;
};
constexpr Label labels[] = {
#define LABEL(kind, function) {#kind, "MPI_" #function},
    FUNCTIONS(LABEL)
#undef LABEL
};

struct Counter {
  double calls = 0, messages = 0, bytes = 0, seconds = 0;
};
constexpr int fields = sizeof(Counter) / sizeof(double);
Counter counters[function_count];
std::map<double, long> reduction_sizes;          // calls of this rank's reductions by bytes
std::map<MPI_Request, double> persistent_sends;  // bytes to another rank
double begin_time = 0;

double size_of(MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return size;
}
int rank_in(MPI_Comm comm) {
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  return rank;
}
int size_in(MPI_Comm comm) {
  int size = 0;
  PMPI_Comm_size(comm, &size);
  return size;
}
bool is_other(int rank, MPI_Comm comm) { return rank >= 0 && rank != rank_in(comm); }  // MPI_PROC_NULL is negative

/// Counts one call and times it.
template <class Call>
int counted(Function function, double messages, double bytes, Call call) {
  Counter& counter = counters[function];
  counter.calls += 1;
  counter.messages += messages;
  counter.bytes += bytes;
  if (labels[function].kind == std::string("reductions")) ++reduction_sizes[bytes];
  const double start = PMPI_Wtime();
  const int code = call();
  counter.seconds += PMPI_Wtime() - start;
  return code;
}

void count_start(Function function, MPI_Request request) {
  const auto found = persistent_sends.find(request);
  if (found == persistent_sends.end()) return;
  counters[function].messages += 1;
  counters[function].bytes += found->second;
}

/// Messages and bytes to other ranks of an all-to-all.
struct Sent {
  double messages = 0, bytes = 0;
};
template <class Size>
Sent sent(const int* counts, MPI_Comm comm, Size size_to) {
  Sent all;
  for (int rank = 0; rank < size_in(comm); ++rank) {
    if (rank == rank_in(comm) || counts[rank] == 0) continue;
    all.messages += 1;
    all.bytes += counts[rank] * size_to(rank);
  }
  return all;
}

std::string json_of(const std::vector<Counter>& sums, const std::vector<Counter>& largest) {
  std::string text = "{";
  const auto put = [&](const char* name, double sum, double most, const char* end) {
    char buffer[128];
    std::snprintf(buffer, sizeof buffer, "\"%s\": {\"sum\": %.17g, \"max\": %.17g}%s", name, sum, most, end);
    text += buffer;
  };
  std::string kind;
  for (int f = 0; f < function_count; ++f) {
    if (sums[f].calls == 0) continue;
    if (kind != labels[f].kind) {
      text += std::string(kind.empty() ? "" : "}, ") + "\"" + labels[f].kind + "\": {";
      kind = labels[f].kind;
    } else {
      text += ", ";
    }
    text += std::string("\"") + labels[f].name + "\": {";
    put("calls", sums[f].calls, largest[f].calls, ", ");
    put("messages", sums[f].messages, largest[f].messages, ", ");
    put("bytes", sums[f].bytes, largest[f].bytes, ", ");
    put("seconds", sums[f].seconds, largest[f].seconds, "}");
  }
  return text + (kind.empty() ? "}" : "}}");
}

/// Least one-way times of messages between ranks 0 and 1, by bytes; on rank 0.
std::string ping_pong() {
  const int rank = rank_in(MPI_COMM_WORLD);
  std::string text = "{";
  if (rank < 2 && size_in(MPI_COMM_WORLD) > 1) {
    constexpr int most = 1 << 20;
    std::vector<char> buffer(most);
    for (int bytes = 8; bytes <= most; bytes *= 8) {
      double least = std::numeric_limits<double>::infinity();
      for (int round = 0; round < 30; ++round) {
        constexpr int repeats = 20;
        const double start = PMPI_Wtime();
        for (int i = 0; i < repeats; ++i) {
          for (int sender = 0; sender < 2; ++sender) {
            if (rank == sender)
              PMPI_Send(buffer.data(), bytes, MPI_BYTE, 1 - rank, 1, MPI_COMM_WORLD);
            else
              PMPI_Recv(buffer.data(), bytes, MPI_BYTE, 1 - rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
          }
        }
        least = std::min(least, (PMPI_Wtime() - start) / (2 * repeats));
      }
      text += (bytes > 8 ? ", \"" : "\"") + std::to_string(bytes) + "\": " + std::to_string(1e6 * least);
    }
  }
  PMPI_Barrier(MPI_COMM_WORLD);
  return text + "}";
}

void report() {
  double seconds = PMPI_Wtime() - begin_time;
  std::vector<Counter> own(counters, counters + function_count), sums(function_count), largest(function_count);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double kilobytes = static_cast<double>(usage.ru_maxrss);
  double memory[2] = {kilobytes, -kilobytes}, most[2] = {}, total = 0;
  PMPI_Reduce(own.data(), sums.data(), function_count * fields, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  PMPI_Reduce(own.data(), largest.data(), function_count * fields, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  PMPI_Reduce(memory, most, 2, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  PMPI_Reduce(memory, &total, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  const std::string costs = std::getenv("COUNT_MESSAGES_PING_PONG") ? ping_pong() : "{}";
  if (rank_in(MPI_COMM_WORLD) != 0) return;
  const int ranks = size_in(MPI_COMM_WORLD);
  const char* name = std::getenv("COUNT_MESSAGES_FILE");
  std::FILE* file = name ? std::fopen(name, "a") : stdout;
  if (!file) {
    std::fprintf(stderr, "count_messages: cannot write %s\n", name);
    return;
  }
  std::string sizes;
  for (const auto& [bytes, calls] : reduction_sizes) {
    sizes +=
        (sizes.empty() ? "\"" : ", \"") + std::to_string(static_cast<long>(bytes)) + "\": " + std::to_string(calls);
  }
  std::fprintf(file,
               "{\"ranks\": %d, \"seconds\": %.6f, \"memory_bytes\": {\"min\": %.0f, \"mean\": %.0f, \"max\": %.0f}, "
               "\"reduction_sizes\": {%s}, \"ping_pong_microseconds\": %s, \"counts\": %s}\n",
               ranks, seconds, -1024 * most[1], 1024 * total / ranks, 1024 * most[0], sizes.c_str(), costs.c_str(),
               json_of(sums, largest).c_str());
  if (name) std::fclose(file);
}

}  // namespace

extern "C" {

int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  const int code = PMPI_Init_thread(argc, argv, required, provided);
  begin_time = PMPI_Wtime();
  return code;
}
int MPI_Init(int* argc, char*** argv) {
  const int code = PMPI_Init(argc, argv);
  begin_time = PMPI_Wtime();
  return code;
}
int MPI_Finalize() {
  report();
  return PMPI_Finalize();
}

#define SEND(function)                                                                                 \
  int MPI_##function(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) { \
    const bool other = is_other(to, comm);                                                             \
    return counted(function##_, other, other ? count * size_of(type) : 0,                              \
                   [&] { return PMPI_##function(data, count, type, to, tag, comm); });                 \
  }
#define ISEND(function)                                                                              \
  int MPI_##function(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, \
                     MPI_Request* request) {                                                         \
    const bool other = is_other(to, comm);                                                           \
    return counted(function##_, other, other ? count * size_of(type) : 0,                            \
                   [&] { return PMPI_##function(data, count, type, to, tag, comm, request); });      \
  }
SEND(Send)
SEND(Ssend) SEND(Rsend) SEND(Bsend) ISEND(Isend) ISEND(Issend) ISEND(Irsend)

    int MPI_Sendrecv(const void* data, int count, MPI_Datatype type, int to, int tag, void* in, int in_count,
                     MPI_Datatype in_type, int from, int in_tag, MPI_Comm comm, MPI_Status* status) {
  const bool other = is_other(to, comm);
  return counted(Sendrecv_, other, other ? count * size_of(type) : 0, [&] {
    return PMPI_Sendrecv(data, count, type, to, tag, in, in_count, in_type, from, in_tag, comm, status);
  });
}
int MPI_Send_init(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
                  MPI_Request* request) {
  const int code = PMPI_Send_init(data, count, type, to, tag, comm, request);
  if (is_other(to, comm)) persistent_sends[*request] = count * size_of(type);
  return code;
}
int MPI_Recv_init(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request* request) {
  const int code = PMPI_Recv_init(data, count, type, from, tag, comm, request);
  persistent_sends.erase(*request);  // handles are used again
  return code;
}
int MPI_Start(MPI_Request* request) {
  count_start(Start_, *request);
  return counted(Start_, 0, 0, [&] { return PMPI_Start(request); });
}
int MPI_Startall(int count, MPI_Request requests[]) {
  for (int i = 0; i < count; ++i) count_start(Startall_, requests[i]);
  return counted(Startall_, 0, 0, [&] { return PMPI_Startall(count, requests); });
}

int MPI_Neighbor_alltoall(const void* data, int count, MPI_Datatype type, void* in, int in_count, MPI_Datatype in_type,
                          MPI_Comm comm) {
  return counted(Neighbor_alltoall_, 0, count * size_of(type),
                 [&] { return PMPI_Neighbor_alltoall(data, count, type, in, in_count, in_type, comm); });
}
int MPI_Neighbor_alltoallv(const void* data, const int counts[], const int offsets[], MPI_Datatype type, void* in,
                           const int in_counts[], const int in_offsets[], MPI_Datatype in_type, MPI_Comm comm) {
  return counted(Neighbor_alltoallv_, 0, 0, [&] {
    return PMPI_Neighbor_alltoallv(data, counts, offsets, type, in, in_counts, in_offsets, in_type, comm);
  });
}
int MPI_Ineighbor_alltoallv(const void* data, const int counts[], const int offsets[], MPI_Datatype type, void* in,
                            const int in_counts[], const int in_offsets[], MPI_Datatype in_type, MPI_Comm comm,
                            MPI_Request* request) {
  return counted(Ineighbor_alltoallv_, 0, 0, [&] {
    return PMPI_Ineighbor_alltoallv(data, counts, offsets, type, in, in_counts, in_offsets, in_type, comm, request);
  });
}

int MPI_Allreduce(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return counted(Allreduce_, 0, count * size_of(type),
                 [&] { return PMPI_Allreduce(data, out, count, type, op, comm); });
}
int MPI_Iallreduce(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request* request) {
  return counted(Iallreduce_, 0, count * size_of(type),
                 [&] { return PMPI_Iallreduce(data, out, count, type, op, comm, request); });
}
int MPI_Reduce(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm) {
  return counted(Reduce_, 0, count * size_of(type),
                 [&] { return PMPI_Reduce(data, out, count, type, op, root, comm); });
}
int MPI_Ireduce(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm,
                MPI_Request* request) {
  return counted(Ireduce_, 0, count * size_of(type),
                 [&] { return PMPI_Ireduce(data, out, count, type, op, root, comm, request); });
}
int MPI_Reduce_scatter(const void* data, void* out, const int counts[], MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  double count = 0;
  for (int rank = 0; rank < size_in(comm); ++rank) count += counts[rank];
  return counted(Reduce_scatter_, 0, count * size_of(type),
                 [&] { return PMPI_Reduce_scatter(data, out, counts, type, op, comm); });
}
int MPI_Reduce_scatter_block(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return counted(Reduce_scatter_block_, 0, count * size_of(type) * size_in(comm),
                 [&] { return PMPI_Reduce_scatter_block(data, out, count, type, op, comm); });
}
int MPI_Scan(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return counted(Scan_, 0, count * size_of(type), [&] { return PMPI_Scan(data, out, count, type, op, comm); });
}
int MPI_Exscan(const void* data, void* out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return counted(Exscan_, 0, count * size_of(type), [&] { return PMPI_Exscan(data, out, count, type, op, comm); });
}

int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  return counted(Bcast_, 0, count * size_of(type), [&] { return PMPI_Bcast(data, count, type, root, comm); });
}
int MPI_Ibcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm, MPI_Request* request) {
  return counted(Ibcast_, 0, count * size_of(type),
                 [&] { return PMPI_Ibcast(data, count, type, root, comm, request); });
}

#define GATHER(function)                                                                                              \
  int MPI_##function(const void* data, int count, MPI_Datatype type, void* out, int out_count, MPI_Datatype out_type, \
                     int root, MPI_Comm comm) {                                                                       \
    return counted(function##_, 0, count * size_of(type),                                                             \
                   [&] { return PMPI_##function(data, count, type, out, out_count, out_type, root, comm); });         \
  }
GATHER(Gather)
GATHER(Scatter)

    int MPI_Gatherv(const void* data, int count, MPI_Datatype type, void* out, const int counts[], const int offsets[],
                    MPI_Datatype out_type, int root, MPI_Comm comm) {
  return counted(Gatherv_, 0, count * size_of(type),
                 [&] { return PMPI_Gatherv(data, count, type, out, counts, offsets, out_type, root, comm); });
}
int MPI_Scatterv(const void* data, const int counts[], const int offsets[], MPI_Datatype type, void* out, int out_count,
                 MPI_Datatype out_type, int root, MPI_Comm comm) {
  return counted(Scatterv_, 0, out_count * size_of(out_type),
                 [&] { return PMPI_Scatterv(data, counts, offsets, type, out, out_count, out_type, root, comm); });
}
int MPI_Allgather(const void* data, int count, MPI_Datatype type, void* out, int out_count, MPI_Datatype out_type,
                  MPI_Comm comm) {
  return counted(Allgather_, 0, count * size_of(type),
                 [&] { return PMPI_Allgather(data, count, type, out, out_count, out_type, comm); });
}
int MPI_Allgatherv(const void* data, int count, MPI_Datatype type, void* out, const int counts[], const int offsets[],
                   MPI_Datatype out_type, MPI_Comm comm) {
  return counted(Allgatherv_, 0, count * size_of(type),
                 [&] { return PMPI_Allgatherv(data, count, type, out, counts, offsets, out_type, comm); });
}

int MPI_Alltoall(const void* data, int count, MPI_Datatype type, void* out, int out_count, MPI_Datatype out_type,
                 MPI_Comm comm) {
  const double others = size_in(comm) - 1;
  return counted(Alltoall_, count > 0 ? others : 0, others * count * size_of(type),
                 [&] { return PMPI_Alltoall(data, count, type, out, out_count, out_type, comm); });
}
int MPI_Alltoallv(const void* data, const int counts[], const int offsets[], MPI_Datatype type, void* out,
                  const int out_counts[], const int out_offsets[], MPI_Datatype out_type, MPI_Comm comm) {
  const double size = size_of(type);
  const Sent all = sent(counts, comm, [&](int) { return size; });
  return counted(Alltoallv_, all.messages, all.bytes, [&] {
    return PMPI_Alltoallv(data, counts, offsets, type, out, out_counts, out_offsets, out_type, comm);
  });
}
int MPI_Alltoallw(const void* data, const int counts[], const int offsets[], const MPI_Datatype types[], void* out,
                  const int out_counts[], const int out_offsets[], const MPI_Datatype out_types[], MPI_Comm comm) {
  const Sent all = sent(counts, comm, [&](int rank) { return size_of(types[rank]); });
  return counted(Alltoallw_, all.messages, all.bytes, [&] {
    return PMPI_Alltoallw(data, counts, offsets, types, out, out_counts, out_offsets, out_types, comm);
  });
}

int MPI_Barrier(MPI_Comm comm) {
  return counted(Barrier_, 0, 0, [&] { return PMPI_Barrier(comm); });
}
int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
  return counted(Ibarrier_, 0, 0, [&] { return PMPI_Ibarrier(comm, request); });
}
int MPI_Comm_dup(MPI_Comm comm, MPI_Comm* made) {
  return counted(Comm_dup_, 0, 0, [&] { return PMPI_Comm_dup(comm, made); });
}
int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm* made) {
  return counted(Comm_split_, 0, 0, [&] { return PMPI_Comm_split(comm, color, key, made); });
}
int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made) {
  return counted(Comm_split_type_, 0, 0, [&] { return PMPI_Comm_split_type(comm, type, key, info, made); });
}
int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void* base, MPI_Win* window) {
  return counted(Win_allocate_shared_, 0, static_cast<double>(size),
                 [&] { return PMPI_Win_allocate_shared(size, unit, info, comm, base, window); });
}
int MPI_Win_fence(int assertion, MPI_Win window) {
  return counted(Win_fence_, 0, 0, [&] { return PMPI_Win_fence(assertion, window); });
}

int MPI_File_open(MPI_Comm comm, const char* name, int mode, MPI_Info info, MPI_File* file) {
  return counted(File_open_, 0, 0, [&] { return PMPI_File_open(comm, name, mode, info, file); });
}
#define FILE_AT(function, data_type)                                                                 \
  int MPI_##function(MPI_File file, MPI_Offset offset, data_type data, int count, MPI_Datatype type, \
                     MPI_Status* status) {                                                           \
    return counted(function##_, 0, count * size_of(type),                                            \
                   [&] { return PMPI_##function(file, offset, data, count, type, status); });        \
  }
FILE_AT(File_write_at, const void*)
FILE_AT(File_write_at_all, const void*) FILE_AT(File_read_at, void*)
    FILE_AT(File_read_at_all, void*) int MPI_File_write_all(MPI_File file, const void* data, int count,
                                                            MPI_Datatype type, MPI_Status* status) {
  return counted(File_write_all_, 0, count * size_of(type),
                 [&] { return PMPI_File_write_all(file, data, count, type, status); });
}
int MPI_File_read_all(MPI_File file, void* data, int count, MPI_Datatype type, MPI_Status* status) {
  return counted(File_read_all_, 0, count * size_of(type),
                 [&] { return PMPI_File_read_all(file, data, count, type, status); });
}
int MPI_File_set_view(MPI_File file, MPI_Offset offset, MPI_Datatype type, MPI_Datatype view, const char* format,
                      MPI_Info info) {
  return counted(File_set_view_, 0, 0, [&] { return PMPI_File_set_view(file, offset, type, view, format, info); });
}

}  // extern "C"
