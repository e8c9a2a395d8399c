# Shared by the scripts of this folder: source it, do not run it. Sets root (the repository) and enters it.

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
memory_gb=$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo 2>/dev/null)
if [ -n "$memory_gb" ] && [ "$jobs" -gt "$memory_gb" ]; then jobs=$((memory_gb > 0 ? memory_gb : 1)); fi
jobs=${JOBS:-$jobs}
