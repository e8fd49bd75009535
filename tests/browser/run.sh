#!/usr/bin/env bash
# Runs the console in a headless Chromium against giromqd of GIROMQ_BUILD_DIR, or with --mock against admin-web/ui/mock. The packages of
# package-lock.json are installed into the build folder, where the screenshots are, too. Exit code 77: something that it needs is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export GIROMQ_BUILD_DIR=${GIROMQ_BUILD_DIR:-$here/../../build/dev}
export GIROMQ_BROWSER_TARGET=broker
if [ "${1:-}" = --mock ]; then
    export GIROMQ_BROWSER_TARGET=mock
fi

skip() {
    echo "skipped: $1"
    exit 77
}

for tool in node npm chromium; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
if [ "$GIROMQ_BROWSER_TARGET" = broker ] && [ ! -x "$GIROMQ_BUILD_DIR/bin/giromqd" ]; then
    skip "$GIROMQ_BUILD_DIR/bin/giromqd is not built"
fi

packages=$GIROMQ_BUILD_DIR/browser
mkdir -p "$packages"
if ! cmp -s "$here/package-lock.json" "$packages/installed-lock.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$packages/"
    if ! (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
        skip "npm could not install the packages"
    fi
    cp "$here/package-lock.json" "$packages/installed-lock.json"
fi

export NODE_PATH=$packages/node_modules
export NODE_NO_WARNINGS=1
export GIROMQ_SCREENSHOTS=$packages/screenshots
if node --test "$here/console.test.mjs" >"$packages/output.log" 2>&1; then
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
