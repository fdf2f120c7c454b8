#include "fortet/parallel/meeting.hpp"

#include <unistd.h>

namespace fortet::parallel {

void meet_or_end(const Communicator& communicator, const Error& error) {
  constexpr double patience = 3;  // seconds; ranks that meet the same error do so at nearly the same time
  if (communicator.size() == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  int all_here = 0;
  MPI_Ibarrier(communicator.handle(), &request);  // matches no blocking call that the others may be waiting in
  for (const double start = MPI_Wtime(); MPI_Wtime() - start < patience;) {
    MPI_Test(&request, &all_here, MPI_STATUS_IGNORE);
    if (all_here) return;
    usleep(1000);
  }
  fail_local(communicator, error);
}

}  // namespace fortet::parallel
