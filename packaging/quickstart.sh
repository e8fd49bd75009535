#!/usr/bin/env bash
# One command on a fresh Debian 12: real payments through durable queues, exactly once, with the broker killed in between.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: packaging/quickstart.sh [options]
On Debian 12, as root or with sudo: installs what is missing, builds GiroMQ, starts the broker, and passes a few thousand ISO 20022 payments
through it. Half way the broker and the application that books are killed with SIGKILL and started again. At the end every payment
must have been booked and answered exactly once, and every large one found by a selector; anything else is a failure. The broker is
left running.

  --demo-only      install and build nothing: only run the payments again, with what is built
  --stop           stop the broker that this script started, and do nothing else
  --payments N     how many payments (default: 3000)
  --seed N         the seed they are made from (default: another one each time; it is printed)
  --preset NAME    the build to make or use (CMakePresets.json; default: release)
  --state DIR      folder for data, logs and results (default: $XDG_STATE_HOME/giromq-quickstart, or build/quickstart of the checkout)
  --jobs N         build jobs (default: the number of processors, fewer if memory is short)
  --help           this text

A second run stops the broker of the first and moves its folder aside, to 'run.previous'. Exit code: 0 if everything was right.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/lib/install_dependencies.sh
. "$root/packaging/lib/install_dependencies.sh"
# shellcheck source=packaging/lib/broker_process.sh
. "$root/packaging/lib/broker_process.sh"

preset=release
payments=3000
seed=
demo_only=0
stop_only=0
jobs=
if [ -n "${XDG_STATE_HOME:-}" ]; then state=$XDG_STATE_HOME/giromq-quickstart; else state=$root/build/quickstart; fi

fail() {
    echo "error: $*" >&2
    exit 1
}

wrong_use() {
    echo "$1 (packaging/quickstart.sh --help)" >&2
    exit 2
}

need_number() {
    case $2 in '' | *[!0-9]*) wrong_use "$1 needs a whole number" ;; esac
}

while [ $# -gt 0 ]; do
    case $1 in
        --payments | --seed | --preset | --state | --jobs) [ $# -ge 2 ] || wrong_use "$1 needs a value" ;;
    esac
    case $1 in
        --demo-only) demo_only=1 ;;
        --stop) stop_only=1 ;;
        --payments) need_number "$1" "$2"; payments=$2; shift ;;
        --seed) need_number "$1" "$2"; seed=$2; shift ;;
        --preset) preset=$2; shift ;;
        --state) state=$2; shift ;;
        --jobs) need_number "$1" "$2"; jobs=$2; shift ;;
        --help | -h) usage; exit 0 ;;
        *) wrong_use "unknown option $1" ;;
    esac
    shift
done
[ "$payments" -ge 100 ] || wrong_use "--payments must be at least 100: with fewer there is no half way to kill anything at"

mkdir -p "$state"
state=$(cd "$state" && pwd)
giromq_state=$state/run
giromq_bin=$root/build/$preset/bin
seed=${seed:-$(date +%s)}

say() { printf '\n== %s\n' "$*"; }

if [ "$stop_only" -eq 1 ]; then
    if pid=$(giromq_broker_pid); then
        giromq_stop_broker
        echo "The broker ($pid) is stopped. Its data is still in $giromq_state/data."
    else
        echo "No broker of this script is running."
    fi
    exit 0
fi

# What is built: the programs of the demonstration, and the load generator if this checkout has it.
build() {
    local targets=(giromqd giromq_tool giromq-payments) log=$state/build.log available memory_jobs
    if [ -z "$jobs" ]; then
        jobs=$(nproc)
        # A compiler needs up to 1.5 GB for the largest files.
        available=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)
        memory_jobs=$((available * 2 / 3))
        [ "$memory_jobs" -ge 1 ] || memory_jobs=1
        [ "$jobs" -le "$memory_jobs" ] || jobs=$memory_jobs
    fi
    say "Configuring the build '$preset' (log: $log)"
    if ! cmake -S "$root" --preset "$preset" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "CMake could not configure the build"
    fi
    if grep -qs '^build giromq-bench:' "$root/build/$preset/build.ninja"; then targets+=(giromq-bench); fi
    say "Building ${targets[*]} with $jobs jobs (some minutes the first time)"
    cmake --build "$root/build/$preset" --parallel "$jobs" --target "${targets[@]}" || fail "the build failed"
}

if [ "$demo_only" -eq 0 ]; then
    say "Installing what is missing"
    giromq_install_dependencies build || fail "packages are missing"
    (cd "$root" && build)
fi
for program in giromqd giromq giromq-payments; do
    [ -x "$giromq_bin/$program" ] || fail "$giromq_bin/$program is not there; run this without --demo-only to build it"
done

# The applications of the demonstration end with this script, the broker does not.
application_pids=()
cleanup() {
    local pid
    for pid in "${application_pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "Starting the broker"
if pid=$(giromq_broker_pid); then
    echo "Stopping the one of the last run ($pid) first."
    giromq_stop_broker
fi
if [ -d "$giromq_state" ]; then
    rm -rf "$state/run.previous"
    mv "$giromq_state" "$state/run.previous"
fi
mkdir -p "$giromq_state"
amqp_port=$(giromq_choose_port 5672)
http_port=$(giromq_choose_port 8161)
[ "$amqp_port" -eq 5672 ] || echo "Port 5672 is taken: AMQP is on $amqp_port."
[ "$http_port" -eq 8161 ] || echo "Port 8161 is taken: HTTP is on $http_port."
giromq_config=$giromq_state/giromq.xml
cat >"$giromq_config" <<'XML'
<giromq xmlns="urn:giromq:config:1">
  <!-- The applications of the demonstration come from this machine and need no password; people do. -->
  <sasl mechanisms="anonymous scram-sha-256 plain"/>
  <core create-queues="true"/>
</giromq>
XML
giromq_start_broker "$amqp_port" "$http_port"
cat "$giromq_state/ready"
uri=amqp://127.0.0.1:$amqp_port
job=$giromq_state/payments

say "Setting up the broker with its one-time token: the administrator, and what the applications may do"
admin_password=$giromq_state/admin-password
(umask 077 && { head -c 18 /dev/urandom | base64 | tr -d '\n' && echo a1; } >"$admin_password")
tool=$giromq_bin/giromq
as_admin=("$tool" --http "http://127.0.0.1:$http_port" --user admin --password-file "$admin_password")
"$tool" --http "http://127.0.0.1:$http_port" user add admin --role administrator --new-password-file "$admin_password" \
    --token-file "$giromq_state/data/first-login-token"
"${as_admin[@]}" permission grant '#' send receive browse read-body create --to-role application

say "Making $payments payments from seed $seed"
"$giromq_bin/giromq-payments" generate --state "$job" --count "$payments" --seed "$seed" --validate

# start NAME COMMAND-LINE...: an application in the background, its output in a log of that name; its process number is in application_pid.
start() {
    local name=$1
    shift
    "$giromq_bin/giromq-payments" "$@" >>"$giromq_state/$name.log" 2>&1 &
    application_pid=$!
    application_pids+=("$application_pid")
}

# count NAME: a number of giromq-payments progress: sent, booked, answered, recorded, large, found.
count() {
    "$giromq_bin/giromq-payments" progress --state "$job" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# wait_for NAME NUMBER: shows the progress until the count has reached it.
wait_for() {
    local waited=0 now=0 before=-1
    while now=$(count "$1"); [ "$now" -lt "$2" ]; do
        if [ "$now" -eq "$before" ]; then waited=$((waited + 1)); else waited=0; fi
        [ "$waited" -lt 1200 ] || fail "nothing has moved for a minute at least: $now of $2 $1; see the logs in $giromq_state"
        before=$now
        if [ -t 1 ]; then printf '\r   %s  ' "$("$giromq_bin/giromq-payments" progress --state "$job")"; fi
        sleep 0.05
    done
    if [ -t 1 ]; then printf '\r'; fi
    echo "   $("$giromq_bin/giromq-payments" progress --state "$job")"
}

kill_ledger() {
    kill -KILL "$ledger_pid" 2>/dev/null || fail "the ledger application had ended by itself; see $giromq_state/ledger.log"
    # The shell's own remark that it was killed is no news.
    { wait "$ledger_pid" || true; } 2>/dev/null
}

# Slow enough to be seen and to be killed half way: some seconds in all.
rate=$((payments / 5 > 50 ? payments / 5 : 50))
say "Sending to payments.in and payments.copy, booking in the ledger, answering on payments.status, picking large ones"
start ledger ledger --state "$job" --uri "$uri" --count "$payments"
ledger_pid=$application_pid
start status status --state "$job" --uri "$uri" --count "$payments"
status_pid=$application_pid
start large large --state "$job" --uri "$uri" --count "$(count large)"
large_pid=$application_pid
start send send --state "$job" --uri "$uri" --copy-queue payments.copy --rate "$rate"
send_pid=$application_pid
wait_for booked $((payments * 2 / 5))

say "Killing the broker with SIGKILL, and starting it again"
giromq_kill_broker || fail "the broker had ended by itself; see $giromq_state/giromqd.log"
sleep 0.3
giromq_start_broker "$amqp_port" "$http_port"
cat "$giromq_state/ready"
wait_for booked $((payments * 3 / 5))

say "Killing the ledger application with SIGKILL, and starting it again"
kill_ledger
start ledger ledger --state "$job" --uri "$uri" --count "$payments"
ledger_pid=$application_pid
wait_for booked $((payments * 7 / 10))

say "Killing both at once, and starting them again"
kill_ledger
giromq_kill_broker || fail "the broker had ended by itself; see $giromq_state/giromqd.log"
giromq_start_broker "$amqp_port" "$http_port"
start ledger ledger --state "$job" --uri "$uri" --count "$payments"
ledger_pid=$application_pid
wait_for recorded "$payments"
wait_for found "$(count large)"

for name in send ledger status large; do
    pid_variable=${name}_pid
    wait "${!pid_variable}" || fail "the application '$name' failed: $(tail -n 3 "$giromq_state/$name.log")"
done
application_pids=()

say "The result (seed $seed, 2 kills of the broker, 2 of the ledger application)"
if ! "$giromq_bin/giromq-payments" verify --state "$job" --large; then
    fail "the numbers do not agree. Everything is kept in $giromq_state; please report it with that folder and the seed"
fi

say "What to try next"
cat <<TEXT
The broker is still running: AMQP 1.0 at $uri
The console: http://127.0.0.1:$http_port/console/    user: admin    password: in $admin_password

  $tool --help
  ${as_admin[*]} queue list
  ${as_admin[*]} audit list
  $tool --url $uri send demo 'hello'        and        $tool --url $uri receive demo
TEXT
[ -x "$giromq_bin/giromq-bench" ] && echo "  $giromq_bin/giromq-bench --help"
# offer PROGRAM ARGUMENT...: a command that needs a program this script does not install.
offer() {
    local missing=
    command -v "$1" >/dev/null 2>&1 || missing="        (apt-get install $1)"
    echo "  $*$missing"
}
offer curl "http://127.0.0.1:$http_port/readyz?verbose"
offer sqlite3 "$job/ledger.db" "'SELECT currency, count(*), sum(amount_minor) FROM payment GROUP BY currency'"
cat <<TEXT
  $giromq_bin/giromq-payments generate --show
  packaging/quickstart.sh --demo-only        the payments once more
  packaging/quickstart.sh --stop             stop the broker
TEXT
