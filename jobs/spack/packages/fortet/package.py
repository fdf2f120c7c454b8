# Spack recipe (0.23 or later); use with:  spack repo add jobs/spack && spack install fortet
from spack.package import *


class Fortet(CMakePackage):
    """A laboratory for generative transport: one process as a PDE density on a grid and as MPI-parallel particles, with a
    calibrated verdict whether they agree."""

    homepage = "https://example.org/fortet"
    git = "https://example.org/fortet.git"

    version("main", branch="main")

    variant("tests", default=False, description="Build the tests and benchmarks")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("petsc@3.18: ~complex +mpi")
    depends_on("slepc@3.18:")
    depends_on("hdf5 +mpi")
    depends_on("eigen@3.4:3")
    depends_on("yaml-cpp")
    depends_on("fmt@9: +shared")  # or libfortet.so would want code that its static library does not have
    depends_on("cli11")
    depends_on("nlohmann-json")
    depends_on("random123")
    depends_on("boost +math")
    depends_on("lemon ~glpk")
    depends_on("googletest", when="+tests", type="build")
    depends_on("benchmark", when="+tests", type="build")
    depends_on("python@3.9:", type="run")
    depends_on("py-numpy", type="run")
    depends_on("py-h5py", type="run")
    depends_on("py-matplotlib", type="run")

    conflicts("%gcc@:11", msg="C++20 needs GCC 12 or later")
    conflicts("%clang@:13", msg="C++20 needs Clang 14 or later")

    generator("ninja")

    def cmake_args(self):
        return [
            self.define_from_variant("FORTET_TESTS", "tests"),
            self.define_from_variant("FORTET_BENCHMARKS", "tests"),
            self.define("FORTET_ARCH", ""),  # Spack's compiler wrapper sets the target
        ]
