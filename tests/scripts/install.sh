#!/usr/bin/env bash
# Installs the build into a temporary prefix, builds a program against fortet::fortet there and runs both.
set -euo pipefail
build=$1 consumer=$2 compiler=$3
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix/tree" >/dev/null
cmake -S "$consumer" -B "$prefix/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$prefix/tree" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_FLAGS="$(sed -n 's/^CMAKE_CXX_FLAGS:[A-Z]*=//p' "$build/CMakeCache.txt")" >/dev/null
cmake --build "$prefix/consumer" >/dev/null
"$prefix/consumer/consumer"
"$prefix/tree/bin/fortet" --version | grep -q '"fortet"'
"$prefix/tree/bin/fortet" describe laws.gaussian | grep -q covariance
test -f "$prefix/tree/share/fortet/report/__main__.py"
