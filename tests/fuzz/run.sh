#!/usr/bin/env bash
# Runs the libFuzzer programs of a build made with the preset `fuzz`, each for a bounded time, two at a time.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/fuzz/run.sh [--seconds N] [--build DIR] [NAME...]
Fuzzes each target (frame_guard, ...; all if none is named) for N seconds (default 20), starting from tests/fuzz/corpus/NAME.
What is found on the way is kept in DIR/fuzz/corpus; an input that breaks a target is kept in DIR/fuzz/findings and its path printed.
The last line is 'N passed, N failed'.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/fuzz
seconds=20
names=()
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
        --build) build=$(cd "${2:?--build needs a folder}" && pwd); shift 2 ;;
        --help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) names+=("$1"); shift ;;
    esac
done
case $seconds in '' | *[!0-9]*) echo "--seconds needs a whole number" >&2; exit 2 ;; esac

if [ ${#names[@]} -eq 0 ]; then
    for program in "$build"/bin/giromq_fuzz_*; do
        [ -x "$program" ] && names+=("${program##*/giromq_fuzz_}")
    done
fi

fuzz_one() {
    local name=$1 program=$build/bin/giromq_fuzz_$1 grown=$build/fuzz/corpus/$1 log=$build/fuzz/$1.log options=()
    mkdir -p "$grown" "$build/fuzz/findings"
    [ -f "$root/tests/fuzz/$name.dict" ] && options+=("-dict=$root/tests/fuzz/$name.dict")
    [ -d "$root/tests/fuzz/corpus/$name" ] && options+=("$root/tests/fuzz/corpus/$name")
    # The first folder is where libFuzzer writes; the seeds in the tree stay as they are.
    if timeout --kill-after=30 $((seconds + 120)) "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="$build/fuzz/findings/$name-" "$grown" "${options[@]}" >"$log" 2>&1 </dev/null; then
        printf 'fuzz %s: passed, %s inputs in %s s\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
    else
        tail -n 60 "$log"
        printf 'fuzz %s: FAILED, log in %s\n' "$name" "$log"
        return 1
    fi
}

passed=0
failed=0
wait_for() {
    if wait "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

running=()
for name in "${names[@]}"; do
    if [ ! -x "$build/bin/giromq_fuzz_$name" ]; then
        echo "fuzz $name: FAILED, $build/bin/giromq_fuzz_$name is not built"
        failed=$((failed + 1))
        continue
    fi
    echo "fuzz $name: $seconds s"
    fuzz_one "$name" &
    running+=($!)
    if [ ${#running[@]} -ge 2 ]; then
        wait_for "${running[0]}"
        running=("${running[@]:1}")
    fi
done
for process in "${running[@]}"; do wait_for "$process"; done

[ $((passed + failed)) -gt 0 ] || echo "no fuzz target is built in $build" >&2
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
