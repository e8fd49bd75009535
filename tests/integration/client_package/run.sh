#!/usr/bin/env bash
# Installs libgiromq into a temporary folder and builds a project outside the tree against it, with CMake and with pkg-config.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/integration/client_package/run.sh [BUILD_DIR]
BUILD_DIR: where GiroMQ was built (default: $GIROMQ_BUILD_DIR, else build/dev). With giromqd there the program also talks to a broker.
Exit code: 0 passed, 1 failed, 77 skipped.
TEXT
}

[ "${1:-}" = "--help" ] && { usage; exit 0; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:-${GIROMQ_BUILD_DIR:-$here/../../../build/dev}}
skip() { echo "skipped: $1"; exit 77; }
fail() { echo "failed: $1" >&2; exit 1; }

for name in libgiromq.so libgiromq-selector.so libgiromq-xa.so; do
    [ -e "$build/lib/$name" ] || skip "there is no $name in $build/lib"
done
command -v pkg-config >/dev/null || skip "there is no pkg-config"
grep -q '^GIROMQ_SANITIZE:.*=.\+' "$build/CMakeCache.txt" && skip "the library was built with a sanitizer, which the outside project is not"

work=$(mktemp -d)
broker=
clean_up() {
    [ -z "$broker" ] || { kill "$broker" 2>/dev/null && wait "$broker" 2>/dev/null; } || true
    rm -rf "$work"
}
trap clean_up EXIT

echo "== install"
cmake --install "$build" --component giromq_client --prefix "$work/prefix" >"$work/install.log" ||
    { cat "$work/install.log"; fail "the installation"; }
library=$(find "$work/prefix" -name libgiromq.so)
libdir=$(dirname "$library")
[ ! -e "$work/prefix/include/giromq/selector.hpp" ] || fail "selector.hpp is installed without its library"

echo "== without the optional component"
cmake -G Ninja -S "$here" -B "$work/without" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/cmake.log" 2>&1 &&
    fail "a component that is not installed is found"
grep -q "component 'selector' of giromq is not installed" "$work/cmake.log" || { cat "$work/cmake.log"; fail "the reason is not told"; }
cmake --install "$build" --component giromq_selector --prefix "$work/prefix" >"$work/install.log" ||
    { cat "$work/install.log"; fail "the installation of giromq_selector"; }

echo "== the headers need nothing but the standard library, each by itself"
if grep -rnE '#include *[<"](proton|boost|openssl|xercesc|broker|base|model|selector)/' "$work/prefix/include"; then
    fail "a public header includes a private one"
fi
for header in "$work"/prefix/include/giromq/*.hpp; do
    for compiler in g++ clang++; do
        command -v "$compiler" >/dev/null || continue
        echo "#include <giromq/$(basename "$header")>" |
            "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ -I "$work/prefix/include" - ||
            fail "$(basename "$header") with $compiler"
    done
done

echo "== nothing private is exported"
exported=$(nm -D --defined-only --demangle "$library" | sed -E 's/^[0-9a-f]+ [A-Za-z] //' |
    grep -vE '^(non-virtual thunk to |typeinfo (name )?for |vtable for |construction vtable for )?giromq::' || true)
[ -z "$exported" ] || fail "these symbols are exported: $(head -5 <<<"$exported")"
if nm -D --defined-only --demangle "$library" | grep -E ' (T|D|V|B) .*giromq::detail::[A-Za-z]+::'; then
    fail "the library exports symbols of giromq::detail"
fi

selector=$libdir/libgiromq-selector.so
exported=$(nm -D --defined-only --demangle "$selector" | sed -E 's/^[0-9a-f]+ [A-Za-z] //' |
    grep -vE '^(typeinfo (name )?for |vtable for )?giromq::Selector(TextException)?(::|$)' || true)
[ -z "$exported" ] || fail "libgiromq-selector exports $(head -5 <<<"$exported")"
if readelf -d "$library" | grep -i xerces; then fail "libgiromq needs Xerces"; fi

echo "== the switch for transaction managers exports what it says"
switch=$(find "$work/prefix" -name libgiromq-xa.so)
expected='giromq::xa_session(int) giromq_xa_last_error giromq_xa_receive_text giromq_xa_send_text giromq_xa_switch giromq_xa_switch_dynamic'
exported=$(nm -D --defined-only --demangle "$switch" | sed -E 's/^[0-9a-f]+ [A-Za-z] //' | LC_ALL=C sort | tr '\n' ' ')
[ "$exported" = "$expected " ] || fail "libgiromq-xa exports $exported"
echo '#include <giromq-xa/giromq_xa.h>' | gcc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c -I "$work/prefix/include" - ||
    fail "giromq_xa.h in C"

echo "== CMake"
cmake -G Ninja -S "$here" -B "$work/outside" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >"$work/cmake.log" ||
    { cat "$work/cmake.log"; fail "find_package(giromq COMPONENTS selector xa)"; }
cmake --build "$work/outside" >"$work/build.log" || { cat "$work/build.log"; fail "the build with CMake"; }

echo "== pkg-config"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
# shellcheck disable=SC2046
g++ -std=c++20 "$here/main.cpp" -o "$work/teller" $(pkg-config --cflags --libs giromq-selector) || fail "the build with pkg-config"
# shellcheck disable=SC2046
gcc -std=c99 "$here/manager.c" -o "$work/manager" $(pkg-config --cflags --libs giromq-xa) || fail "the build in C with pkg-config"
export LD_LIBRARY_PATH="$libdir"

for program in "$work/outside/teller" "$work/teller"; do "$program" || fail "$program"; done
for program in "$work/outside/manager" "$work/manager"; do "$program" || fail "$program"; done

if [ -x "$build/bin/giromqd" ]; then
    echo "== with a broker"
    "$build/bin/giromqd" --dev --data "$work/data" --amqp 127.0.0.1:0 --http 127.0.0.1:0 >"$work/broker.log" 2>&1 &
    broker=$!
    for _ in $(seq 300); do
        grep -q '^giromqd ready' "$work/broker.log" && break
        kill -0 "$broker" 2>/dev/null || { cat "$work/broker.log"; fail "the broker ended"; }
        sleep 0.1
    done
    amqp=$(sed -nE 's/^giromqd ready.* amqp=([^ ]+).*/\1/p' "$work/broker.log")
    [ -n "$amqp" ] || { cat "$work/broker.log"; fail "the broker is not ready"; }
    for program in "$work/outside/teller" "$work/teller"; do "$program" "amqp://$amqp" || fail "$program with a broker"; done
    for program in "$work/outside/manager" "$work/manager"; do "$program" "url=amqp://$amqp" || fail "$program with a broker"; done
fi
echo passed
