"""The folders of src/ and include/fortet/ use each other in one direction only (DESIGN: an include may only go down)."""
import pathlib
import re
import sys

ALLOWED = {
    "base": set(),
    "parallel": {"base"},
    "io": {"base", "parallel"},
    "laws": {"base", "parallel", "io"},
    "couplings": {"base", "parallel"},
    "processes": {"base", "parallel", "io", "laws"},
    "densities": {"base", "parallel", "io", "laws", "processes"},
    "ensembles": {"base", "parallel", "io", "laws", "processes"},
    "networks": {"base", "parallel", "io"},
    "training": {"base", "parallel", "io", "laws", "processes", "ensembles", "couplings", "networks"},
    "bridges": {"base", "parallel", "io", "laws", "processes", "densities", "couplings"},
    "comparisons": {"base", "parallel", "io", "laws", "processes", "densities", "ensembles", "couplings"},
    "study": {"base", "parallel", "io", "laws", "processes", "densities", "ensembles", "couplings", "comparisons",
              "networks", "training", "bridges"},
}
FORBIDDEN = {  # headers of libraries that a folder must not know
    "base": ["mpi.h", "petsc", "yaml-cpp", "hdf5"],
    "laws": ["mpi.h", "petsc", "yaml-cpp"],
    "processes": ["mpi.h", "petsc", "yaml-cpp"],
    "ensembles": ["petsc", "yaml-cpp"],
    "densities": ["yaml-cpp"],
    "networks": ["mpi.h", "petsc", "yaml-cpp"],
    "training": ["petsc", "yaml-cpp"],
    "bridges": ["yaml-cpp"],
    "comparisons": ["yaml-cpp", "petsc"],
}

root = pathlib.Path(sys.argv[1])
faults = []
files = [f for top in ("src", "include/fortet") for f in (root / top).rglob("*") if f.suffix in (".cpp", ".hpp")]
for file in files:
    parts = file.relative_to(root / ("src" if (root / "src") in file.parents else "include/fortet")).parts
    if len(parts) == 1:
        if parts[0] != "main.cpp":
            faults.append(f"{file}: belongs to no folder")
        continue
    folder = parts[0]
    if folder not in ALLOWED:
        faults.append(f"{file}: unknown folder {folder}")
        continue
    for line in file.read_text().splitlines():
        used = re.match(r'#include [<"]([^>"]+)[>"]', line)
        if not used:
            continue
        name = used[1]
        if name.startswith("fortet/"):
            target = name.split("/")[1]
            if target != folder and target not in ALLOWED[folder]:
                faults.append(f"{file}: {folder} must not use {target} ({name})")
        elif any(name.startswith(bad) for bad in FORBIDDEN.get(folder, [])):
            faults.append(f"{file}: {folder} must not use {name}")
    if folder != "parallel" and "MPI_COMM_WORLD" in re.sub(r"//.*", "", file.read_text()):
        faults.append(f"{file}: MPI_COMM_WORLD belongs to main only")
print("\n".join(faults) or f"{len(files)} files, all includes go down")
sys.exit(bool(faults))
