#!/usr/bin/env bash
# The payments job against a broker of its own, with the ledger application killed at each point where something could get lost or doubled,
# and the broker and the sender killed now and then. Exit code 77: not built.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/lib/broker_process.sh
. "$root/packaging/lib/broker_process.sh"

giromq_bin=${GIROMQ_BUILD_DIR:-$root/build/dev}/bin
for program in giromqd giromq-payments; do
    if [ ! -x "$giromq_bin/$program" ]; then
        echo "skipped: $giromq_bin/$program is not built"
        exit 77
    fi
done
payments=${GIROMQ_TEST_PAYMENTS:-800}
seed=${GIROMQ_TEST_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
folder=$(mktemp -d)
giromq_state=$folder/run
job=$folder/payments
pids=()

finish() {
    local code=$? pid
    trap - EXIT
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    giromq_kill_broker 2>/dev/null || true
    if [ "$code" -ne 0 ]; then
        echo "FAILED with seed $seed; the logs:"
        tail -n 15 "$folder"/*.log "$giromq_state"/*.log 2>/dev/null || true
    fi
    rm -rf "$folder"
    exit "$code"
}
trap finish EXIT
trap 'exit 143' INT TERM

application() { "$giromq_bin/giromq-payments" "$@" --state "$job"; }
# For the background: the shell becomes the application, so that it is what $! names and a kill ends.
become_application() { exec "$giromq_bin/giromq-payments" "$@" --state "$job"; }
count() { application progress | tr ' ' '\n' | sed -n "s/^$1=//p"; }

echo "seed $seed"
amqp_port=$(giromq_choose_port $((20000 + RANDOM % 8000)))
http_port=$(giromq_choose_port $((amqp_port + 1)))
giromq_start_broker "$amqp_port" "$http_port"
uri=amqp://127.0.0.1:$amqp_port
application generate --count "$payments" --seed "$seed" --validate

# The sender is killed three times before it may finish.
(
    for share in 4 3 2 0; do
        become_application send --uri "$uri" --copy-queue payments.copy --rate 400 >>"$folder/send.log" 2>&1 &
        sender=$!
        if [ "$share" -eq 0 ]; then wait "$sender"; exit; fi
        while [ "$(count sent)" -lt $((payments / share)) ] && giromq_is_alive "$sender"; do sleep 0.05; done
        kill -KILL "$sender" 2>/dev/null || true
        wait "$sender" 2>/dev/null || true
    done
) &
sending=$!
pids+=("$sending")
become_application status --uri "$uri" --count "$payments" >>"$folder/status.log" 2>&1 &
status=$!
pids+=("$status")

# Large payments are found by what their bodies say, among many that nobody wants; it is killed once, after some.
large=$(count large)
become_application large --uri "$uri" --batch 1 >>"$folder/large.log" 2>&1 &
finding=$!
(
    while [ "$(count found)" -lt $((large / 3)) ] && giromq_is_alive "$finding"; do sleep 0.05; done
    kill -KILL "$finding" 2>/dev/null || true
    become_application large --uri "$uri" --count "$large" >>"$folder/large.log" 2>&1
) &
finding_large=$!
pids+=("$finding" "$finding_large")

# The ledger is killed at every point, some times each; between them the broker, too.
for point in received booked answered marked acknowledged received booked answered marked acknowledged; do
    code=0
    application ledger --uri "$uri" --count "$payments" --batch 10 --die-at "$point:3" >>"$folder/ledger.log" 2>&1 || code=$?
    case $code in
        0) break ;; # everything is done
        137) ;;
        *) echo "the ledger application ended with exit code $code"; exit 1 ;;
    esac
    case $point in
        booked | marked)
            giromq_kill_broker
            giromq_start_broker "$amqp_port" "$http_port"
            ;;
    esac
done
application ledger --uri "$uri" --count "$payments" >>"$folder/ledger.log" 2>&1
wait "$sending"
wait "$status"
wait "$finding_large"
pids=()
application verify --large
giromq_stop_broker
"$giromq_bin/giromqd" --check --data "$giromq_state/data"
