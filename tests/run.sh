#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests. The last line is always 'N passed, N failed' (', N skipped' if any were).
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/run.sh [options]
On Debian 12, as root or with sudo: installs the missing packages, builds, and runs every test.

  --preset NAME    the build to test (CMakePresets.json; default: dev)
  --only REGEX     only the CTest tests whose names match
  --sanitizers     then a second pass under the address and undefined-behaviour sanitizers: unit tests, the conformance suite of the
                   stores, AMQP, the simulation and a short storm
  --fuzz SECONDS   then every fuzz target for so long (clang); with --sanitizers clang builds both, once
  --long           everything in full: exhaustive fault tests, a long storm, clang-tidy, and --fuzz 600 unless given
  --jobs N         build and test jobs (default: the number of processors)
  --no-install     install nothing
  --help           this text

GIROMQ_TEST_SEED=N repeats the random choices of a run that printed N.
Exit code: 0 if something ran and nothing failed.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=dev
only=
sanitizers=0
fuzz_seconds=0
long=0
install=1
jobs=$(nproc)

wrong_use() {
    echo "$1 (tests/run.sh --help)" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
        --preset | --only | --fuzz | --jobs) [ $# -ge 2 ] || wrong_use "$1 needs a value" ;;
    esac
    case $1 in
        --preset) preset=$2; shift ;;
        --only) only=$2; shift ;;
        --sanitizers) sanitizers=1 ;;
        --fuzz) fuzz_seconds=$2; shift ;;
        --jobs) jobs=$2; shift ;;
        --long) long=1 ;;
        --no-install) install=0 ;;
        --help) usage; exit 0 ;;
        *) wrong_use "unknown option $1" ;;
    esac
    shift
done
case $fuzz_seconds$jobs in *[!0-9]*) wrong_use "--fuzz and --jobs need whole numbers" ;; esac
[ "$long" -eq 1 ] && [ "$fuzz_seconds" -eq 0 ] && fuzz_seconds=600

passed=0
failed=0
skipped=0
finished=0

# However the script ends, its last line tells what happened.
report() {
    local code=$?
    trap - EXIT
    if [ "$finished" -eq 0 ]; then
        failed=$((failed + 1))
        echo "tests/run.sh ended early (exit code $code)"
    fi
    local line="$passed passed, $failed failed"
    [ "$skipped" -gt 0 ] && line+=", $skipped skipped"
    [ "$((passed + failed))" -gt 0 ] || echo "no test was run"
    echo "$line"
    if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then exit 0; fi
    exit 1
}
trap report EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

started=$(date +%s)
minutes() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

# say STEP...: begins a step; how long each took is told at the end.
steps=()
step=
say() {
    local now
    now=$(date +%s)
    [ -z "$step" ] || steps+=("$(minutes $((now - step_started)))  $step")
    step=$* step_started=$now
    printf '\n== %s (%s)\n' "$*" "$(minutes $((now - started)))"
}

# failure TEXT: counts a step that is not a test but must not fail.
failure() {
    echo "FAILED: $*"
    failed=$((failed + 1))
}

# build PRESET [TARGET...]
build() {
    local name=$1
    shift
    say "configuring and building $name"
    if ! cmake --preset "$name" >"$logs/configure-$name.log" 2>&1; then
        cat "$logs/configure-$name.log"
        failure "configuring the preset $name"
        return 1
    fi
    if ! cmake --build --preset "$name" --parallel "$jobs" ${1:+--target "$@"}; then
        failure "building the preset $name"
        return 1
    fi
}

# run_tests PRESET [CTEST-OPTION...]: runs CTest and adds its cases to the sums.
run_tests() {
    local name=$1 results=$logs/results-$1.xml code=0 counts
    shift
    say "testing $name"
    rm -f "$results"
    ctest --test-dir "$root/build/$name" --output-on-failure --parallel "$jobs" --no-tests=error --output-junit "$results" \
        --test-output-size-passed 4194304 --test-output-size-failed 4194304 ${only:+-R "$only"} "$@" || code=$?
    if [ ! -s "$results" ] || ! counts=$("$root/tests/results.py" "$results"); then
        failure "CTest wrote no results (exit code $code)"
        return
    fi
    local counted
    read -r -a counted <<<"$counts"
    passed=$((passed + counted[0]))
    failed=$((failed + counted[1]))
    skipped=$((skipped + counted[2]))
    echo "$name: ${counted[0]} passed, ${counted[1]} failed, ${counted[2]} skipped"
    if [ "$code" -ne 0 ] && [ "${counted[1]}" -eq 0 ]; then failure "CTest ended with exit code $code"; fi
}

run_fuzzing() {
    build fuzz giromq_fuzz || return 0
    say "fuzzing each target for $fuzz_seconds s"
    local log=$logs/fuzz.log
    "$root/tests/fuzz/run.sh" --seconds "$fuzz_seconds" 2>&1 | tee "$log" || true
    local counts
    counts=$(sed -n 's/^\([0-9]\+\) passed, \([0-9]\+\) failed$/\1 \2/p' "$log" | tail -n 1)
    if [ -z "$counts" ] || [ "$counts" = "0 0" ]; then
        failure "no fuzz target ran"
        return
    fi
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

cd "$root"
exec </dev/null
export LC_ALL=C.UTF-8
export GIROMQ_TEST_SEED=${GIROMQ_TEST_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
[ "$long" -eq 1 ] && export GIROMQ_TEST_LONG=1
logs=$root/build/test-logs
mkdir -p "$logs"

if [ "$install" -eq 1 ]; then
    say "installing what is missing"
    # shellcheck source=packaging/lib/install_dependencies.sh
    . "$root/packaging/lib/install_dependencies.sh"
    giromq_install_dependencies test
fi

echo "seed of the random tests: $GIROMQ_TEST_SEED"
if build "$preset"; then run_tests "$preset"; fi

if [ "$sanitizers" -eq 1 ]; then
    # Reports of the sanitizers end the program that they are about, so that its test fails.
    export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:check_initialization_order=1}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
    sanitized=asan-ubsan
    # The fuzz targets have the same sanitizers, so one build serves both, and the second compiler sees every file.
    if [ "$fuzz_seconds" -gt 0 ]; then sanitized=fuzz; fi
    if build "$sanitized" giromq_sanitizer_tests; then run_tests "$sanitized" -L '^(unit|simulation|storm)$'; fi
fi

if [ "$long" -eq 1 ]; then
    say "clang-tidy over every source"
    if "$root/tests/tidy/clang_tidy.sh" --build "$root/build/$preset" --jobs "$jobs"; then
        passed=$((passed + 1))
    else
        failure "clang-tidy"
    fi
fi

if [ "$fuzz_seconds" -gt 0 ]; then run_fuzzing; fi

say "done"
printf '%s\n' "${steps[@]}"
finished=1
