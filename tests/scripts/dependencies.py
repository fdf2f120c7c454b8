"""Whether CMake, jobs/packages, the Spack recipe and the Apptainer definition name the same dependencies:
dependencies.py SOURCE_FOLDER

The table below has one line per dependency and its name in each of them; a library that one of them gains or loses, or a
lowest version that differs, is a failure until this table and the others say the same."""
import pathlib, py_compile, re, sys, tempfile

# CMake: what Dependencies.cmake (or tests/CMakeLists.txt) looks for; Debian: jobs/packages; Spack: package.py.
dependencies = [
    # CMake            Debian                          Spack
    ("MPI",            {"libopenmpi-dev", "openmpi-bin"}, "mpi"),
    ("HDF5",           {"libhdf5-openmpi-dev"},        "hdf5"),
    ("PETSc",          {"petsc-dev"},                  "petsc"),
    ("SLEPc",          {"slepc-dev"},                  "slepc"),
    ("Eigen3",         {"libeigen3-dev"},              "eigen"),
    ("yaml-cpp",       {"libyaml-cpp-dev"},            "yaml-cpp"),
    ("fmt",            {"libfmt-dev"},                 "fmt"),
    ("CLI11",          {"libcli11-dev"},               "cli11"),
    ("nlohmann_json",  {"nlohmann-json3-dev"},         "nlohmann-json"),
    ("Random123",      {"librandom123-dev"},           "random123"),
    ("boost",          {"libboost-dev"},               "boost"),
    ("lemon",          {"liblemon-dev"},               "lemon"),
    ("PkgConfig",      {"pkg-config"},                 "pkgconfig"),
    ("GTest",          {"libgtest-dev"},               "googletest"),
    ("benchmark",      {"libbenchmark-dev"},           "benchmark"),
]
compiler_own = {"OpenMP", "Threads"}                                        # of the compiler and the C library
tools = {"g++", "cmake", "ninja-build", "ccache", "git", "hdf5-tools", "python3"}  # Debian only, or Spack's build tools
spack_tools = {"c", "cxx", "cmake", "ninja", "python"}
python_modules = {"python3-numpy": "py-numpy", "python3-h5py": "py-h5py", "python3-matplotlib": "py-matplotlib"}
only_for_tests = {"python3-jsonschema", "python3-yaml"}

source = pathlib.Path(sys.argv[1])
faults = []


def expect_equal(what, found, expected):
    for name in sorted(found - expected):
        faults.append(f"{what} has '{name}', which the table of this test does not have")
    for name in sorted(expected - found):
        faults.append(f"{what} lacks '{name}'")


def text(path):
    return re.sub(r"#.*", "", (source / path).read_text())


cmake = text("jobs/cmake/Dependencies.cmake")
found = set(re.findall(r"find_package\((\S+)", cmake))
# Of several names of one module the last is the one of the table.
found |= set(re.findall(r"pkg_(?:check_modules|search_module)\(\S+ IMPORTED_TARGET (?:\S+ )*(\S+?)\)", cmake))
found |= {header.split("/")[0] for header in re.findall(r"find_path\(\S+ (\S+)", cmake)}
found |= set(re.findall(r"find_package\((\S+)", text("tests/CMakeLists.txt")))
expect_equal("CMake", found, {cmake_name for cmake_name, _, _ in dependencies} | compiler_own)

# The flags of jobs/packages add tools of their own, which no build needs.
packages = set(re.search(r"^packages=\((.*?)\)", text("jobs/packages"), re.S | re.M)[1].split())
expect_equal("jobs/packages", packages,
             set().union(*(debian for _, debian, _ in dependencies)) | tools | set(python_modules) | only_for_tests)

recipe_file = source / "jobs/spack/packages/fortet/package.py"
recipe = text(recipe_file.relative_to(source))
spack = set(re.findall(r"depends_on\(\s*\"([a-z0-9-]+)", recipe))
expect_equal("the Spack recipe", spack, {name for _, _, name in dependencies} | spack_tools | set(python_modules.values()))
with tempfile.TemporaryDirectory() as folder:
    try:
        py_compile.compile(str(recipe_file), cfile=f"{folder}/package.pyc", doraise=True)
    except py_compile.PyCompileError as error:
        faults.append(f"the Spack recipe is not Python: {error}")

versions = {"cmake": re.search(r"cmake_minimum_required\(VERSION ([0-9.]+)", text("CMakeLists.txt"))[1],
            "petsc": re.search(r"PETSC_VERSION VERSION_LESS ([0-9.]+)", cmake)[1]}
for name, lowest in versions.items():
    if not re.search(rf"depends_on\(\s*\"{name}@{re.escape(lowest)}:", recipe):
        faults.append(f"the Spack recipe's lowest version of {name} is not CMake's, {lowest}")
if "~complex" not in recipe:
    faults.append("the Spack recipe asks for another PETSc than CMake (a real one)")

options = set(re.findall(r"^option\((FORTET_\w+)|^set\((FORTET_\w+) .*CACHE", text("CMakeLists.txt"), re.M))
options = {a or b for a, b in options}
container = text("jobs/apptainer/fortet.def")
for path, used in (("the Spack recipe", recipe), ("the Apptainer definition", container)):
    for option in sorted(set(re.findall(r"FORTET_[A-Z]+", used)) - options):
        faults.append(f"{path} sets {option}, which CMake does not know")
sections = re.findall(r"^%(\w+)", container, re.M)
for section in ("files", "post", "runscript", "test"):
    if sections.count(section) != 1:
        faults.append(f"the Apptainer definition has {sections.count(section)} sections %{section}")
if "./jobs/packages" not in container or "debian:12" not in container:
    faults.append("the Apptainer definition does not install what jobs/packages lists on Debian 12")

print("\n".join(faults) or f"{len(dependencies)} dependencies, the same in CMake, jobs/packages, Spack and Apptainer")
sys.exit(1 if faults else 0)
