#!/usr/bin/env bash
# clang-tidy with the list of .clang-tidy over the sources of the libraries; any finding is a failure.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/tidy/clang_tidy.sh [--build DIR] [--jobs N] [--changed REVISION] [FILE...]
Checks the sources under broker, xa, admin-web and client-api; with --changed only those that differ from a git revision.
DIR holds compile_commands.json (default build/dev). A source that passed is not checked again until it, a header of the project or
.clang-tidy changes.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/dev
jobs=2
changed=
files=()
while [ $# -gt 0 ]; do
    case $1 in
        --build) build=$(cd "${2:?--build needs a folder}" && pwd); shift 2 ;;
        --jobs) jobs=${2:?--jobs needs a number}; shift 2 ;;
        --changed) changed=${2:?--changed needs a revision}; shift 2 ;;
        --help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) files+=("$1"); shift ;;
    esac
done
cd "$root"
tool=$(command -v clang-tidy-14 || command -v clang-tidy) || { echo "clang-tidy is not installed" >&2; exit 1; }
[ -f "$build/compile_commands.json" ] || { echo "$build/compile_commands.json does not exist: configure first" >&2; exit 1; }

folders=(broker xa admin-web client-api)
if [ ${#files[@]} -eq 0 ]; then
    if [ -n "$changed" ]; then
        mapfile -t files < <({ git diff --name-only --diff-filter=d "$changed" -- "${folders[@]}"
                               git ls-files --others --exclude-standard -- "${folders[@]}"; } | grep '\.cpp$' | sort -u)
    else
        mapfile -t files < <(find "${folders[@]}" -name '*.cpp' -not -path '*/node_modules/*' | sort)
    fi
fi

# The flags of another compiler that clang does not know are taken out of a copy of the database.
work=$build/tidy/clang-tidy
mkdir -p "$work/passed"
sed -e 's/ -fpch-preprocess//g; s/ -Wno-maybe-uninitialized//g; s/ -Wno-stringop-overflow//g' \
    -e 's/ -Wno-stringop-overread//g; s/ -Wno-restrict//g' \
    -e 's/ -include [^ ]*cmake_pch.hxx//g; s/ -Winvalid-pch//g' "$build/compile_commands.json" >"$work/compile_commands.json"
headers=$(find "${folders[@]}" -name '*.hpp' -print0 | sort -z | xargs -0 sha256sum | cat - .clang-tidy | sha256sum)

check() {
    local file=$1 key errors=$work/errors.$$
    key=$(printf '%s\n' "$headers" "$file" | cat - "$file" | sha256sum | cut -d' ' -f1)
    [ -e "$work/passed/$key" ] && return 0
    grep -q "\"file\": \".*/$file\"" "$work/compile_commands.json" || { echo "$file: not in the build, left out"; return 0; }
    if "$tool" --quiet -p "$work" "$file" 2>"$errors"; then
        rm -f "$errors"
        touch "$work/passed/$key"
        echo "$file: clean"
    else
        grep -v "warnings generated\|warnings treated as errors" "$errors" || true
        rm -f "$errors"
        echo "$file: FAILED"
        return 1
    fi
}
export -f check
export tool work headers

echo "clang-tidy: ${#files[@]} sources"
[ ${#files[@]} -gt 0 ] || exit 0
if ! printf '%s\n' "${files[@]}" | xargs -P "$jobs" -I{} bash -c 'set -euo pipefail; check "$1"' _ {}; then
    echo "clang-tidy: FAILED"
    exit 1
fi
echo "clang-tidy: all clean"
