#!/usr/bin/env python3
"""Measures GiroMQ, ActiveMQ and RabbitMQ on the same workloads, one after the other in the same run, and prints the ratios.

Each peer speaks its own protocol through its own client, warmed up: ActiveMQ OpenWire (ActiveMqLoad.java), RabbitMQ AMQP 0-9-1
(rabbitmq_load.cpp; quorum queues for durable messages). Install the peers first: bench/peers/install.sh.
"""

import argparse
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import scenarios  # noqa: E402  (the folder above is not a package)

HERE = os.path.dirname(os.path.abspath(__file__))
CLASS_PATH = "/usr/share/activemq/lib/*:/usr/share/activemq/lib/optional/*"

# name: producers, consumers, unconfirmed, durable
WORKLOADS = {
    "synchronous-send": (1, 0, 1, True),
    "durable-16x16": (16, 16, 64, True),
    "durable-16x16-synchronous": (16, 16, 1, True),
    "non-persistent-1x1": (1, 1, 500, False),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise scenarios.Failure("the peer has ended at once")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise scenarios.Failure("the peer did not open its port")


def bench_arguments(workload):
    producers, consumers, unconfirmed, durable = workload
    arguments = ["--producers", str(producers), "--consumers", str(consumers), "--unconfirmed", str(unconfirmed)]
    return arguments + ([] if durable else ["--non-persistent"])


class GiroMq:
    def __init__(self, machine):
        self.machine = machine
        self.broker = scenarios.Broker(machine)

    def measure(self, workload, seconds):
        return self.machine.measure("load", *bench_arguments(workload), "--seconds", str(seconds), "--warm-up", "2", url=self.broker.url)

    def stop(self):
        self.broker.stop()


class RabbitMq:
    def __init__(self, machine):
        self.machine = machine
        server = sorted(glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))
        if not server:
            raise scenarios.Failure("RabbitMQ is not installed: bench/peers/install.sh")
        data = os.path.join(machine.scratch, "rabbitmq")
        os.makedirs(data, exist_ok=True)
        plugins = os.path.join(data, "enabled_plugins")
        with open(plugins, "w", encoding="utf-8") as file:
            file.write("[].\n")
        self.load = os.path.join(machine.scratch, "rabbitmq_load")
        source = os.path.join(HERE, "rabbitmq_load.cpp")
        compiler = ["g++", "-std=c++20", "-O2", source, "-o", self.load, "-lrabbitmq", "-pthread"]
        built = subprocess.run(compiler, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise scenarios.Failure("rabbitmq_load.cpp does not build; bench/peers/install.sh installs its library: " + built.stderr[:500])
        self.port = free_port()
        environment = dict(os.environ, HOME=data, RABBITMQ_NODENAME="giromq-bench@localhost", RABBITMQ_NODE_PORT=str(self.port),
                           RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_DIST_PORT=str(free_port()), RABBITMQ_MNESIA_BASE=data,
                           RABBITMQ_LOG_BASE=data, RABBITMQ_ENABLED_PLUGINS_FILE=plugins, ERL_EPMD_PORT=str(free_port()))
        self.environment = environment
        self.log = open(os.path.join(data, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([server[-1]], env=environment, stdout=self.log, stderr=self.log, start_new_session=True)
        wait_for_port(self.port, self.process)
        time.sleep(3)

    def measure(self, workload, seconds):
        producers, consumers, unconfirmed, durable = workload
        done = subprocess.run([self.load, str(self.port), str(producers), str(consumers), str(unconfirmed), "1" if durable else "0", "5",
                               str(seconds)], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise scenarios.Failure(done.stderr.strip())
        return json.loads(done.stdout)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # Erlang's port mapper goes into the background, out of the process group.
        subprocess.run(["epmd", "-port", self.environment["ERL_EPMD_PORT"], "-kill"], capture_output=True, check=False)


class ActiveMq:
    def __init__(self, machine):
        if not os.path.exists("/usr/share/activemq/lib/activemq-broker.jar"):
            raise scenarios.Failure("ActiveMQ is not installed: bench/peers/install.sh")
        data = os.path.join(machine.scratch, "activemq")
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(data)
        self.port = free_port()
        self.log = open(os.path.join(machine.scratch, "activemq.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(["java", "-cp", CLASS_PATH, os.path.join(HERE, "ActiveMqBroker.java"), data, str(self.port)],
                                        stdout=self.log, stderr=self.log)
        wait_for_port(self.port, self.process)

    def measure(self, workload, seconds):
        producers, consumers, unconfirmed, durable = workload
        done = subprocess.run(["java", "-cp", CLASS_PATH, os.path.join(HERE, "ActiveMqLoad.java"), f"tcp://127.0.0.1:{self.port}",
                               str(producers), str(consumers), str(unconfirmed), "1024", "true" if durable else "false", "15",
                               str(seconds)], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise scenarios.Failure(done.stderr.strip())
        return json.loads(done.stdout.strip().splitlines()[-1])

    def stop(self):
        self.process.kill()
        self.process.wait()


PEERS = {"giromq": GiroMq, "activemq": ActiveMq, "rabbitmq": RabbitMq}


def figure_of(name, result):
    if name == "synchronous-send":
        return result["send_p50_us"]
    return min(result["sent_per_s"], result["received_per_s"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"workloads: {', '.join(WORKLOADS)} (default: all)")
    parser.add_argument("--build", default=os.path.join(scenarios.ROOT, "build", "release"))
    parser.add_argument("--peers", default="giromq,activemq,rabbitmq")
    parser.add_argument("--seconds", type=int, default=6)
    arguments = parser.parse_args()
    machine = scenarios.Machine(os.path.abspath(arguments.build))
    failed = False
    try:
        for name in arguments.names or WORKLOADS:
            line = {"name": name, "unit": "us p50" if name == "synchronous-send" else "messages/s", "floor_us": machine.floor_us()}
            for peer in arguments.peers.split(","):
                try:
                    running = PEERS[peer](machine)
                    try:
                        line[peer] = round(figure_of(name, running.measure(WORKLOADS[name], arguments.seconds)), 1)
                    finally:
                        running.stop()
                except (scenarios.Failure, subprocess.TimeoutExpired) as failure:
                    failed = True
                    line[f"{peer}_error"] = str(failure)
            for peer in ("activemq", "rabbitmq"):
                if line.get(peer) and line.get("giromq"):
                    line[f"ratio_to_{peer}"] = round(line["giromq"] / line[peer], 2)
            print(json.dumps(line), flush=True)
    finally:
        machine.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
