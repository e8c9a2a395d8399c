# Shared by the scripts of this folder: source it, do not run it. Sets root (the repository) and enters it.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
if [ ! -t 1 ]; then say() { printf '==> %s\n' "$*"; }; fi

# fail MESSAGE: one sentence on stderr; exit status 2 says that the machine or the command line is at fault, not us.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# Emscripten's JavaScript optimiser needs Debian's acorn, which a Node.js that is not Debian's does not find by itself.
if [ -d /usr/share/nodejs/acorn ]; then export NODE_PATH="${NODE_PATH:+$NODE_PATH:}/usr/share/nodejs"; fi

# Compile jobs: one a core, but no more than memory allows at about 1 GB each.
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
memory_gb=$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo 2>/dev/null || true)
if [ -n "$memory_gb" ] && [ "$jobs" -gt "$memory_gb" ]; then jobs=$((memory_gb > 0 ? memory_gb : 1)); fi
jobs=${JOBS:-$jobs}

# usage: prints the comment at the head of the script that runs, and ends.
usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
}

# configure FOLDER [-DNAME=VALUE]... -- WRAPPER...: CMake, told where the caller's own libraries are.
configure() {
  local folder=$1 options=() name generator=()
  shift
  for name in IMGUI_DIR ONNXRUNTIME_DIR ZLIB_SOURCE_DIR; do
    [ -z "${!name:-}" ] || options+=("-D$name=${!name}")
  done
  # A first build has everything to compile: many files to a translation unit halve its time. For work on the code, a folder
  # configured with -DCMAKE_UNITY_BUILD=OFF compiles only what changed; the choice stays with the folder.
  [ -e "$folder/CMakeCache.txt" ] || generator=(-G Ninja -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12)
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  "$@" cmake -S . -B "$folder" "${generator[@]}" "${options[@]}" -Wno-dev >"$folder.log" 2>&1 || {
    cat "$folder.log" >&2
    return 1
  }
}

target= # what build_native and build_web build, not whatever the caller's environment calls a target; empty: everything

# build_native [-DNAME=VALUE]...: build/native/kernelscope and build/native/kernelscope_tests; with target=NAME only that
build_native() {
  say "Building the native program (build/native)"
  mkdir -p build
  configure build/native "$@" --
  cmake --build build/native --parallel "$jobs" ${target:+--target "$target"}
}

# build_web [-DNAME=VALUE]...: the WebAssembly modules in build/web, the site in dist/; with target=site only that
build_web() {
  say "Building for the browser (build/web, dist)"
  mkdir -p build
  configure build/web "$@" -- emcmake
  cmake --build build/web --parallel "$jobs" ${target:+--target "$target"}
}

# build_reference: the reference of methods, made by the native program, in the site (dist/reference). It explains a kernel with
# every method, which takes a minute: only for another program or model.
build_reference() {
  local index=dist/reference/index.html
  [ ! "$index" -nt build/native/kernelscope ] || [ ! "$index" -nt models/pink-fusarium.onnx ] || return 0
  say "Writing the reference (dist/reference)"
  build/native/kernelscope reference --output dist/reference --quiet
}

# The address this machine gets Debian from, whichever way its sources are written.
debian_mirror() {
  # shellcheck disable=SC2016 # apt fills these in
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian|Debian|//p' | head -n 1
}
