# Sourced by packaging/quickstart.sh and examples/payments/test.sh: starting, killing and stopping a giromqd for a demonstration.
# The caller sets giromq_bin (folder of the programs) and giromq_state (folder for data, logs and the process number), and giromq_config (a
# configuration file) if the broker is not to be one for development, which lets everybody in.

# giromq_port_is_free PORT
giromq_port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# giromq_choose_port WANTED: prints it, or the next free one. Below 32768, where outgoing connections do not take their ports from.
giromq_choose_port() {
    local port=$1
    while ! giromq_port_is_free "$port"; do
        port=$((port + 1))
        if [ "$port" -gt 32000 ]; then
            echo "error: no free port from $1 on" >&2
            return 1
        fi
    done
    printf '%s\n' "$port"
}

# giromq_is_alive PID: false also for a process that has ended and was not waited for yet.
giromq_is_alive() {
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# giromq_broker_pid: prints the process number of the broker that was started in this state folder, if it is still that.
giromq_broker_pid() {
    local pid
    pid=$(cat "$giromq_state/giromqd.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = giromqd ] || return 1
    # The number may have been given to another broker since.
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$giromq_state/data" || return 1
    printf '%s\n' "$pid"
}

# giromq_start_broker AMQP-PORT HTTP-PORT: starts giromqd in the background, detached from the terminal, and waits until it is ready.
giromq_start_broker() {
    local log=$giromq_state/giromqd.log pid waited=0
    mkdir -p "$giromq_state"
    : >"$giromq_state/ready"
    local mode=(--dev)
    if [ -n "${giromq_config:-}" ]; then mode=(--config "$giromq_config"); fi
    # A session of its own: neither Ctrl-C nor the end of this script reaches it.
    setsid "$giromq_bin/giromqd" "${mode[@]}" --data "$giromq_state/data" --amqp "127.0.0.1:$1" --http "127.0.0.1:$2" \
        >"$giromq_state/ready" 2>>"$log" </dev/null &
    pid=$!
    disown "$pid" 2>/dev/null || true
    printf '%s\n' "$pid" >"$giromq_state/giromqd.pid"
    while ! grep -q '^giromqd ready' "$giromq_state/ready"; do
        if ! giromq_is_alive "$pid"; then
            echo "error: giromqd ended before it was ready. The end of $log:" >&2
            tail -n 20 "$log" "$giromq_state/ready" >&2
            return 1
        fi
        waited=$((waited + 1))
        if [ "$waited" -gt 1200 ]; then
            echo "error: giromqd was not ready after 60 s; see $log" >&2
            return 1
        fi
        sleep 0.05
    done
}

# giromq_kill_broker: SIGKILL, as a power cut would end it.
giromq_kill_broker() {
    local pid
    pid=$(giromq_broker_pid) || return 1
    kill -KILL "$pid"
    while giromq_is_alive "$pid"; do sleep 0.01; done
}

# giromq_stop_broker: SIGTERM, and waits. Says nothing if none is running.
giromq_stop_broker() {
    local pid waited=0
    pid=$(giromq_broker_pid) || { rm -f "$giromq_state/giromqd.pid"; return 0; }
    kill -TERM "$pid"
    while giromq_is_alive "$pid"; do
        waited=$((waited + 1))
        if [ "$waited" -gt 600 ]; then
            echo "giromqd ($pid) did not end within 30 s of SIGTERM: killing it" >&2
            kill -KILL "$pid"
            waited=0
        fi
        sleep 0.05
    done
    rm -f "$giromq_state/giromqd.pid"
}
