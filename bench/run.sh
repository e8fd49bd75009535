#!/usr/bin/env bash
# Runs a named benchmark: bench/run.sh --list, bench/run.sh NAME..., bench/run.sh all. See bench/README.md.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
exec python3 "$root/bench/scenarios.py" "$@"
