#!/usr/bin/env bash
# Runs the tests of the console that need no browser, in the copy of admin-web/ui that the build has made (its packages are there).
# Exit code 77: the console was not built.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ui=${GIROMQ_CONSOLE_BUILD:-$root/build/console}/ui
export GIROMQ_OPENAPI=$root/schemas/openapi.yaml

if [ ! -f "$ui/node_modules/.installed" ] || ! command -v node >/dev/null; then
    echo "skipped: the console was not built"
    exit 77
fi
log=$ui/unit.log
if (cd "$ui" && node scripts/test.mjs) >"$log" 2>&1; then code=0; else code=$?; fi
cat "$log"
# What tests/results.py counts: the number of cases that passed.
if [ "$code" -eq 0 ]; then
    echo "OK ($(sed -n 's/^[#ℹ] pass \([0-9]*\)$/\1/p' "$log" | tail -n 1))"
fi
exit "$code"
