// Runs GoogleTest under MPI and PETSc; every rank runs every test, and the program fails when a test fails on any rank.
#include <gtest/gtest.h>
#include <mpi.h>

#include "fortet/parallel/petsc.hpp"
#include "support/world.hpp"

namespace fortet::test {
namespace {
MPI_Comm world_handle = MPI_COMM_NULL;
}
parallel::Communicator world() { return parallel::Communicator(world_handle); }
}  // namespace fortet::test

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_dup(MPI_COMM_WORLD, &fortet::test::world_handle);
  int failed = 0;
  {
    const fortet::parallel::PetscSession session(fortet::test::world_handle, {});
    ::testing::InitGoogleTest(&argc, argv);
    if (fortet::test::world().rank() > 0) {
      auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
      class OnlyFailures : public ::testing::EmptyTestEventListener {
        void OnTestPartResult(const ::testing::TestPartResult& result) override {
          if (result.failed()) {
            std::fprintf(stderr, "rank %d: %s:%d: %s\n", fortet::test::world().rank(), result.file_name(),
                         result.line_number(), result.summary());
          }
        }
      };
      delete listeners.Release(listeners.default_result_printer());
      listeners.Append(new OnlyFailures);
    }
    failed = RUN_ALL_TESTS();
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, fortet::test::world_handle);
  }
  MPI_Comm_free(&fortet::test::world_handle);
  MPI_Finalize();
  return failed;
}
