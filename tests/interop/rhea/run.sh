#!/usr/bin/env bash
# Runs the tests over rhea against giromqd of GIROMQ_BUILD_DIR. The packages of package-lock.json are installed into the build folder.
# Exit code 77: node or npm is missing, or the packages cannot be fetched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export GIROMQ_BUILD_DIR=${GIROMQ_BUILD_DIR:-$here/../../../build/dev}

for tool in node npm; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: $tool is not installed"
        exit 77
    fi
done
if [ ! -x "$GIROMQ_BUILD_DIR/bin/giromqd" ]; then
    echo "skipped: $GIROMQ_BUILD_DIR/bin/giromqd is not built"
    exit 77
fi

packages=$GIROMQ_BUILD_DIR/interop-rhea
mkdir -p "$packages"
if ! cmp -s "$here/package-lock.json" "$packages/installed-lock.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$packages/"
    if ! (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
        echo "skipped: npm could not install rhea"
        exit 77
    fi
    cp "$here/package-lock.json" "$packages/installed-lock.json"
fi

export NODE_PATH=$packages/node_modules
export NODE_NO_WARNINGS=1
if (cd "$here" && node --test ./*.test.js) >"$packages/output.log" 2>&1; then
    code=0
else
    code=$?
fi
cat "$packages/output.log"
# What tests/results.py counts: the number of cases that passed.
if [ "$code" -eq 0 ]; then
    echo "OK ($(sed -n 's/^[#ℹ] pass \([0-9]*\)$/\1/p' "$packages/output.log" | tail -n 1))"
fi
exit "$code"
