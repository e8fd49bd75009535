#!/usr/bin/env bash
# Installs the peers that peers/compare.py measures: ActiveMQ and RabbitMQ from Debian's packages. Only when asked, never by a build
# or a test.
set -euo pipefail
if [[ "${1:-}" == "--help" ]]; then
    echo "Usage: bench/peers/install.sh"
    echo "Installs activemq, rabbitmq-server and librabbitmq-dev from Debian (as root or with sudo); starts neither."
    exit 0
fi
sudo_command=()
if [[ "$(id -u)" != 0 ]]; then
    sudo_command=(sudo)
fi
# Debian starts a freshly installed server at once; the policy file keeps it from doing so here, where a benchmark starts its own.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo_command[@]}" tee "$policy" >/dev/null
    "${sudo_command[@]}" chmod 755 "$policy"
    made_policy=yes
fi
trap '[[ "$made_policy" == no ]] || "${sudo_command[@]}" rm -f "$policy"' EXIT
"${sudo_command[@]}" apt-get update
"${sudo_command[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends activemq rabbitmq-server librabbitmq-dev
