#!/usr/bin/env bash
# docs/reference.md is what the program describes; to renew it: build/release/fortet describe --markdown
set -euo pipefail
program=$1 source=$2
{ sed '/^## /,$d' "$source/docs/reference.md"; "$program" describe --markdown; } | diff - "$source/docs/reference.md" >/tmp/fortet-reference-$$ || {
  echo "docs/reference.md is out of date:"; head -40 /tmp/fortet-reference-$$; rm -f /tmp/fortet-reference-$$
  exit 1
}
rm -f /tmp/fortet-reference-$$
