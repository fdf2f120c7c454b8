#!/usr/bin/env bash
# Configuring with a serial HDF5, without PETSc, with a complex PETSc or with two MPIs ends with a message that says what is wrong.
set -uo pipefail
source=$1 compiler=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() { # message, cmake arguments...
  local message=$1 output
  shift
  rm -rf "$folder/build"
  if output=$("${environment[@]}" cmake -S "$source" -B "$folder/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DFORTET_TESTS=OFF "$@" 2>&1); then
    echo "FAILED: configured although: $message"; exit 1
  fi
  # CMake breaks long lines; compare without white space.
  if ! tr -d ' \n' <<<"$output" | grep -qF "$(tr -d ' \n' <<<"$message")"; then
    echo "FAILED: no message '$message' in:"; echo "$output"; exit 1
  fi
}

environment=(env PKG_CONFIG_LIBDIR=/nonexistent)
expect "PETSc was not found by pkg-config. On Debian: petsc-dev"
environment=(env)

# A serial HDF5: its configuration header lacks H5_HAVE_PARALLEL.
mkdir -p "$folder/serial/include" "$folder/serial/lib"
printf '#define H5_VERSION "1.10.8"\n' >"$folder/serial/include/H5pubconf.h"
touch "$folder/serial/include/hdf5.h"
echo | gcc -shared -x c -o "$folder/serial/lib/libhdf5.so" -
expect "HDF5 was built without MPI" -DHDF5_ROOT="$folder/serial" -DHDF5_NO_FIND_PACKAGE_CONFIG_FILE=ON -DHDF5_C_COMPILER_EXECUTABLE=/bin/false \
  -DHDF5_C_INCLUDE_DIR="$folder/serial/include"

# A PETSc that says it is complex, or that is linked to another MPI.
mkdir -p "$folder/complex/include" "$folder/pkgconfig"
printf '#define PETSC_USE_COMPLEX 1\n' >"$folder/complex/include/petscsys.h"
cp "$folder/complex/include/petscsys.h" "$folder/complex/include/petscconf.h"
printf 'Name: PETSc\nDescription: fake\nVersion: 3.18.0\nCflags: -I%s/complex/include\nLibs:\nlibdir=%s/complex\n' "$folder" "$folder" >"$folder/pkgconfig/PETSc.pc"
environment=(env PKG_CONFIG_PATH="$folder/pkgconfig")
expect "This PETSc was built with complex numbers"

# A PETSc linked to another MPI than HDF5.
mkdir -p "$folder/other/include" "$folder/other/lib"
printf '#define PETSC_HAVE_HYPRE 1\n' | tee "$folder/other/include/petscsys.h" >"$folder/other/include/petscconf.h"
echo | gcc -shared -x c -Wl,-soname,libmpich.so.12 -o "$folder/other/lib/libmpich.so.12" -
echo 'int f();int g(){return f();}' | gcc -shared -x c -o "$folder/other/lib/libpetsc.so" - -x none -Wl,--no-as-needed "$folder/other/lib/libmpich.so.12" \
  -Wl,-rpath,"$folder/other/lib" -Wl,--unresolved-symbols=ignore-all
printf 'Name: PETSc\nDescription: fake\nVersion: 3.18.0\nCflags: -I%s/other/include\nLibs:\nlibdir=%s/other/lib\n' "$folder" "$folder" >"$folder/pkgconfig/PETSc.pc"
expect "Two different MPIs"
echo "configure refuses what would fail later"
