# Shared by the scripts of this folder; sourced, not run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=$(nproc)

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# build_preset PRESET [TARGET...]: configures once and builds.
build_preset() {
  local preset=$1; shift
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log"; rm -f "build-$preset.log"; die "cmake failed"; }
  rm -f "build-$preset.log"
  cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"}
}
