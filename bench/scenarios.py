#!/usr/bin/env python3
"""The benchmarks of GiroMQ, each a named scenario that prints one line of JSON.

A figure stands beside a floor or a peer measured in the same run, because machines differ and this one may be noisy. The broker is
started by the scenario, on a data directory of its own on a real disk (below the build folder), and ended by it.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from consoles import Consoles

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Failure(Exception):
    """A benchmark that could not be measured, with the reason."""


class Machine:
    """Where the programs are and where data goes."""

    def __init__(self, build):
        self.build = build
        self.bench = os.path.join(build, "bin", "giromq-bench")
        self.daemon = os.path.join(build, "bin", "giromqd")
        for program in (self.bench, self.daemon):
            if not os.path.exists(program):
                raise Failure(f"{program} is missing: cmake --preset release && cmake --build --preset release")
        self.scratch = tempfile.mkdtemp(prefix="bench-", dir=build)

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def floor_us(self):
        """fdatasync of 4 KiB into a preallocated file on the disk of the data directory."""
        return self.measure("floor", "--folder", self.scratch, "--rounds", "4000")["fdatasync_p50_us"]

    def measure(self, *arguments, url=None, timeout=900):
        command = [self.bench, arguments[0], *arguments[1:], "--json"]
        if url:
            command += ["--url", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else {}


class Broker:
    """A giromqd of the scenario's own."""

    def __init__(self, machine, data=None):
        self.machine = machine
        self.data = data or tempfile.mkdtemp(prefix="data-", dir=machine.scratch)
        self.start()

    def start(self):
        self.log = open(os.path.join(self.machine.scratch, "giromqd.log"), "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.machine.daemon, "--dev", "--data", self.data, "--amqp", "127.0.0.1:0", "--http", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"amqp=(\S+)", line)
        if not found:
            raise Failure(f"giromqd did not start; see {self.log.name}")
        self.url = "amqp://" + found.group(1)
        found = re.search(r"http=(\S+)", line)
        self.http = "http://" + found.group(1) if found else None

    def metric(self, name):
        with urllib.request.urlopen(self.http + "/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        raise Failure(f"giromqd has no metric {name}")

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        raise Failure("giromqd has ended")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()

    def fill(self, messages, *arguments, queue="waiting"):
        self.machine.measure("load", "--queue", queue, "--producers", "8", "--consumers", "0", "--unconfirmed", "500",
                             "--messages", str(messages), *arguments, url=self.url)


def median_of(runs, measure):
    return statistics.median(measure() for _ in range(runs))


def synchronous_send(machine):
    broker = Broker(machine)
    try:
        floors, figures = [], []
        for _ in range(5):
            floors.append(machine.floor_us())
            figures.append(machine.measure("load", "--producers", "1", "--consumers", "0", "--unconfirmed", "1", "--seconds", "2",
                                           url=broker.url)["send_p50_us"])
        floor, figure = statistics.median(floors), statistics.median(figures)
        return {"value": round(figure / floor, 2), "unit": "x fdatasync floor", "target": 2.0, "stretch": 1.6, "met": figure <= 2.0 * floor,
                "p50_us": figure, "floor_us": floor}
    finally:
        broker.stop()


def throughput(target, stretch, *arguments):
    def measure(machine):
        broker = Broker(machine)
        try:
            floor = machine.floor_us()
            results = [machine.measure("load", *arguments, "--seconds", "5", "--warm-up", "2", url=broker.url) for _ in range(3)]
            best = sorted(min(result["sent_per_s"], result["received_per_s"]) for result in results)[1]
            return {"value": round(best), "unit": "messages/s", "target": target, "stretch": stretch, "met": best >= target,
                    "floor_us": floor, "send_p50_us": results[0]["send_p50_us"], "send_p99_us": results[0]["send_p99_us"]}
        finally:
            broker.stop()
    return measure


def synchronous_transaction(target, stretch, *arguments):
    def measure(machine):
        broker = Broker(machine)
        try:
            floors, figures = [], []
            for _ in range(5):
                floors.append(machine.floor_us())
                result = machine.measure("transactions", "--sessions", "1", *arguments, "--seconds", "2", url=broker.url)
                figures.append(result["p50_us"])
            floor, figure = statistics.median(floors), statistics.median(figures)
            return {"value": round(figure / floor, 2), "unit": "x fdatasync floor", "target": target, "stretch": stretch,
                    "met": figure <= target * floor, "p50_us": figure, "floor_us": floor}
        finally:
            broker.stop()
    return measure


def transactions(target, stretch, *arguments):
    def measure(machine):
        broker = Broker(machine)
        try:
            floor = machine.floor_us()
            results = [machine.measure("transactions", "--sessions", "16", *arguments, "--seconds", "5", "--warm-up", "2", url=broker.url)
                       for _ in range(3)]
            middle = sorted(results, key=lambda result: result["per_s"])[1]
            return {"value": middle["per_s"], "unit": "transactions/s", "target": target, "stretch": stretch,
                    "met": middle["per_s"] >= target, "floor_us": floor, "p50_us": middle["p50_us"], "p99_us": middle["p99_us"]}
        finally:
            broker.stop()
    return measure


def memory(messages, target):
    def measure(machine):
        broker = Broker(machine)
        try:
            idle = broker.rss_mib()
            broker.fill(messages)
            figure = broker.rss_mib()
            return {"value": round(figure, 1), "unit": "MiB RSS", "target": target, "stretch": 64, "met": figure <= target,
                    "floor_idle_mib": round(idle, 1), "messages": messages}
        finally:
            broker.stop()
    return measure


def restart(messages):
    def measure(machine):
        broker = Broker(machine)
        try:
            broker.fill(messages)
            figures = []
            for _ in range(3):
                broker.kill()
                begin = time.monotonic()
                broker.start()
                machine.measure("first", "--queue", "waiting", url=broker.url)
                figures.append(time.monotonic() - begin)
            figure = statistics.median(figures)
            return {"value": round(figure, 3), "unit": "s until the first message", "target": 0.7, "stretch": 0.2, "met": figure <= 0.7,
                    "floor_us": machine.floor_us(), "messages": messages}
        finally:
            broker.stop()
    return measure


def checkpoint(machine):
    """A checkpoint holds up the commits behind it for as long as it takes. The disk's own hiccups hit checkpoints and commits alike, so
    99 of 100 must keep the target; the longest stands beside it."""
    broker = Broker(machine)
    lengths = []
    ended = threading.Event()

    def watch():
        while not ended.wait(0.5):
            lengths.append(broker.metric("giromq_store_wal_bytes") / 2**20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        load = machine.measure("load", "--producers", "16", "--consumers", "16", "--unconfirmed", "64", "--seconds", "30", url=broker.url)
        time.sleep(1)
        count = broker.metric("giromq_store_checkpoint_seconds_count")
        mean = broker.metric("giromq_store_checkpoint_seconds_sum") / max(count, 1) * 1000
        worst = broker.metric("giromq_store_checkpoint_seconds_max") * 1000
        within = broker.metric('giromq_store_checkpoint_seconds_bucket{le="0.01"}') / max(count, 1) * 100
        return {"value": round(within, 1), "unit": "% of checkpoints take at most 10 ms", "target": 99,
                "met": within >= 99 and max(lengths) <= 64, "mean_ms": round(mean, 2), "longest_ms": round(worst, 1),
                "checkpoints": round(count), "wal_max_mib": round(max(lengths), 1),
                "sent_per_s": load["sent_per_s"], "floor_us": machine.floor_us()}
    finally:
        ended.set()
        watcher.join()
        broker.stop()


def idle_connections(machine):
    broker = Broker(machine)
    try:
        load = subprocess.Popen([machine.bench, "idle", "--connections", "1000", "--seconds", "25", "--url", broker.url])
        time.sleep(8)
        before = broker.cpu_seconds()
        time.sleep(12)
        used = (broker.cpu_seconds() - before) / 12 * 100
        if load.wait() != 0:
            raise Failure("the idle connections were not kept")
        return {"value": round(used, 2), "unit": "% of one core", "target": 1.0, "met": used < 1.0, "connections": 1000}
    finally:
        broker.stop()


def open_consoles(count):
    """Every console has live charts of the broker and of five queues; each of them is written to twice a second."""
    def measure(machine):
        broker = Broker(machine)
        try:
            consoles = Consoles(broker.http, count, [f"watched-{number}" for number in range(5)])
            consoles.read_for(3)
            before = broker.cpu_seconds()
            received = consoles.read_for(12)
            used = (broker.cpu_seconds() - before) / 12 * 100
            consoles.close()
            if received < count * 12 * 300:
                raise Failure(f"the consoles were sent {received} bytes only")
            return {"value": round(used, 2), "unit": "% of one core", "target": 5.0, "met": used < 5.0, "consoles": count,
                    "bytes_per_s": round(received / 12)}
        except OSError as error:
            raise Failure(str(error)) from error
        finally:
            broker.stop()
    return measure


def selector_evaluation(figure, unit, target):
    """Without a broker; the best of three, since everything else on the machine only takes away."""
    def measure(machine):
        best = max(machine.measure("selectors")[figure] for _ in range(3))
        return {"value": round(best), "unit": unit, "target": target, "met": best >= target}
    return measure


def selector_throughput(target, consumers, *selecting, per_connection=1):
    """The same load without a selector and with one consumer is the baseline; both in turn, three times, on a fresh broker each. Beside it
    stands the same number of consumers without selectors, on as many connections: what the connections cost by themselves."""
    def one(machine, *arguments):
        broker = Broker(machine)
        try:
            result = machine.measure("load", "--producers", "4", "--unconfirmed", "250", "--keys", str(consumers), "--seconds", "4",
                                     "--warm-up", "2", *arguments, url=broker.url)
            return min(result["sent_per_s"], result["received_per_s"])
        finally:
            broker.stop()

    def measure(machine):
        credit = "500" if consumers == 1 else "50"
        many = ["--consumers", str(consumers), "--consumers-per-connection", str(per_connection), "--credit", credit]
        ratios, plain, selected, unselected = [], [], [], []
        for _ in range(3):
            plain.append(one(machine, "--consumers", "1"))
            selected.append(one(machine, *many, *selecting))
            ratios.append(selected[-1] / plain[-1] * 100)
            if consumers > 1:
                unselected.append(one(machine, *many))
        figure = statistics.median(ratios)
        result = {"value": round(figure, 1), "unit": "% of one consumer without a selector", "target": target, "met": figure >= target,
                  "baseline_per_s": round(statistics.median(plain)), "selected_per_s": round(statistics.median(selected)),
                  "consumers": consumers, "connections": consumers // per_connection, "floor_us": machine.floor_us()}
        if unselected:
            result["unselected_per_s"] = round(statistics.median(unselected))
        return result
    return measure


def selector_search(messages):
    """One message in 1,000 is selected; the first of them, and then all, of a queue that nobody else consumes."""
    def measure(machine):
        broker = Broker(machine)
        try:
            broker.fill(messages, "--keys", "1000")
            before = broker.rss_mib()
            # Each with a key of its own: who receives one message is given more before it is gone.
            firsts = [machine.measure("first", "--queue", "waiting", "--selector", f"key = '{key}'", url=broker.url)["seconds"]
                      for key in ("k0100", "k0900", "k0999")]
            begin = time.monotonic()
            count = str(messages // 1000)
            found = machine.measure("load", "--queue", "waiting", "--producers", "0", "--consumers", "1", "--warm-up", "0",
                                    "--credit", count, "--messages", count, "--selector", "key = 'k0500'", url=broker.url)
            every, first = time.monotonic() - begin, statistics.median(firsts)
            grown = broker.rss_mib() - before
            return {"value": round(first, 3), "unit": "s until the first match", "target": 0.2,
                    "met": first <= 0.2 and every <= 10 and grown <= 64, "all_s": round(every, 2), "all_target_s": 10,
                    "matches": found["received"], "grown_mib": round(grown, 1), "messages": messages}
        finally:
            broker.stop()
    return measure


def restart_in_doubt(branches):
    """A start after SIGKILL on a store with prepared branches, each with one message put and one got, until the broker is ready."""
    def measure(machine):
        maker = os.path.join(machine.build, "bin", "giromq_test_in_doubt")
        if not os.path.exists(maker):
            raise Failure(f"{maker} is missing: it is built with the tests")
        data = tempfile.mkdtemp(prefix="data-", dir=machine.scratch)
        subprocess.run([maker, data, str(branches)], check=True, timeout=900)
        seconds, grown = [], 0
        for _ in range(5):
            begin = time.monotonic()
            broker = Broker(machine, data)
            try:
                seconds.append(time.monotonic() - begin)
                if broker.metric("giromq_transactions_in_doubt") != branches:
                    raise Failure("the broker has not found every branch")
                grown = broker.rss_mib()
            finally:
                broker.kill()
        figure = statistics.median(seconds)
        return {"value": round(figure, 3), "unit": "s until ready", "target": 2.0, "stretch": 0.5, "met": figure <= 2.0,
                "rss_mib": round(grown, 1), "branches": branches}
    return measure


def call(broker, method, path, body=None):
    """REST: the answer as JSON, and how long it took."""
    request = urllib.request.Request(broker.http + path, method=method, data=None if body is None else json.dumps(body).encode())
    if body is not None:
        request.add_header("Content-Type", "application/json")
    begin = time.monotonic()
    with urllib.request.urlopen(request, timeout=600) as answer:
        text = answer.read()
    return json.loads(text), time.monotonic() - begin


def move(messages, kills):
    """All messages of one queue to another, as an operation; with `kills` the broker dies on the way and the rest is asked for again."""
    def measure(machine):
        broker = Broker(machine)
        try:
            broker.fill(messages)
            floor = machine.floor_us()
            call(broker, "PUT", "/api/v1/queues/moved", {})
            there = call(broker, "GET", "/api/v1/queues/waiting")[0]["messages"]
            begin, lost = time.monotonic(), 0.0
            for number in range(kills + 1):
                operation = call(broker, "POST", "/api/v1/queues/waiting/messages/move", {"all": True, "to": "moved"})[0]
                path = "/api/v1/operations/" + operation["id"]
                while operation["state"] == "running" and (number == kills or operation["done"] < there / (kills + 2)):
                    time.sleep(0.05)
                    operation = call(broker, "GET", path)[0]
                if number < kills:
                    killed = time.monotonic()
                    broker.kill()
                    broker.start()
                    lost += time.monotonic() - killed
            seconds = time.monotonic() - begin - lost
            depths = [call(broker, "GET", "/api/v1/queues/" + queue)[0]["messages"] for queue in ("waiting", "moved")]
            if operation["state"] != "done" or depths != [0, there]:
                raise Failure(f"{operation}, {depths} of {there}")
            rate = there / seconds
            return {"value": round(rate), "unit": "messages/s", "target": 50000, "met": rate >= 50000, "messages": there, "kills": kills,
                    "floor_us": floor, "rss_mib": round(broker.rss_mib(), 1)}
        finally:
            broker.stop()
    return measure


def list_queues(queues):
    """The first page of many queues, sorted by depth, while there is traffic."""
    def measure(machine):
        broker = Broker(machine)
        try:
            for number in range(queues):
                call(broker, "PUT", f"/api/v1/queues/q{number}", {})
            traffic = threading.Thread(target=lambda: machine.measure("load", "--producers", "4", "--consumers", "4", "--unconfirmed", "16",
                                                                      "--seconds", "10", url=broker.url))
            traffic.start()
            time.sleep(2)
            times = sorted(call(broker, "GET", "/api/v1/queues?sort=-messages&limit=100")[1] * 1000 for _ in range(200))
            traffic.join()
            p99 = times[int(len(times) * 0.99) - 1]
            return {"value": round(p99, 1), "unit": "ms p99", "target": 50, "met": p99 <= 50, "p50_ms": round(statistics.median(times), 1),
                    "queues": queues, "floor_us": machine.floor_us()}
        finally:
            broker.stop()
    return measure


def browse(messages):
    """The first page of 100 by a selector that matches 1 %, and what looking costs the traffic of the same queue."""
    def measure(machine):
        broker = Broker(machine)
        path = "/api/v1/queues/waiting/messages?limit=100&selector=" + urllib.parse.quote("key = 'k0050'")
        try:
            broker.fill(messages, "--keys", "100")
            first = statistics.median(call(broker, "GET", path)[1] for _ in range(5))
            load = ("load", "--queue", "waiting", "--producers", "4", "--consumers", "4", "--unconfirmed", "64", "--seconds", "5",
                    "--keys", "100")

            def traffic(is_watched):
                done = threading.Event()

                def look():
                    while is_watched and not done.is_set():
                        call(broker, "GET", path)
                        done.wait(1)

                watcher = threading.Thread(target=look)
                watcher.start()
                rate = machine.measure(*load, url=broker.url)["received_per_s"]
                done.set()
                watcher.join()
                return rate

            # In turn, and each first as often as the other: two runs one after the other differ by more than what is looked for.
            rates = {False: [], True: []}
            for number in range(6):
                for is_watched in (number % 2 == 1, number % 2 == 0):
                    rates[is_watched].append(traffic(is_watched))
            alone, watched = statistics.median(rates[False]), statistics.median(rates[True])
            lost = max(0.0, 100 * (1 - watched / alone))
            return {"value": round(first, 3), "unit": "s for the first page", "target": 0.3, "met": first <= 0.3 and lost < 5,
                    "traffic_lost_percent": round(lost, 1), "messages": messages, "floor_us": machine.floor_us()}
        finally:
            broker.stop()
    return measure


SCENARIOS = {
    "synchronous-send": ("one producer, each send waits until durable, p50 against fdatasync", synchronous_send),
    "durable-16x16": ("16 producers with 64 unconfirmed each, 16 consumers, durable, every message acknowledged",
                      throughput(60000, 100000, "--producers", "16", "--consumers", "16", "--unconfirmed", "64")),
    "durable-16x16-synchronous": ("16 synchronous producers, 16 consumers, durable",
                                  throughput(25000, 40000, "--producers", "16", "--consumers", "16", "--unconfirmed", "1")),
    "non-persistent-1x1": ("non-persistent, one producer, one consumer",
                           throughput(200000, 350000, "--producers", "1", "--consumers", "1", "--unconfirmed", "500", "--non-persistent")),
    "transaction-send": ("one session, local transactions of one send each, p50 against fdatasync",
                         synchronous_transaction(2.3, 1.8)),
    "transaction-send-16": ("16 sessions, local transactions of one send each", transactions(25000, 45000)),
    "transaction-move-16": ("16 sessions, local transactions that receive one message and send one",
                            transactions(15000, 30000, "--receive")),
    "xa-send": ("one session, XA in two phases with one send each (end and prepare in one go), p50 against fdatasync",
                synchronous_transaction(4.5, 3.2, "--xa")),
    "xa-send-16": ("16 sessions, XA in two phases with one send each", transactions(12000, 20000, "--xa")),
    "memory-1m": ("broker memory with 1 million waiting messages", memory(1000000, 120)),
    "memory-5m": ("broker memory with 5 million waiting messages", memory(5000000, 120)),
    "restart-1m": ("restart after SIGKILL with 1 million waiting, until the first message is received", restart(1000000)),
    "restart-5m": ("the same with 5 million waiting", restart(5000000)),
    "restart-in-doubt-100k": ("restart after SIGKILL with 100,000 prepared branches, until the broker is ready", restart_in_doubt(100000)),
    "checkpoint": ("what a checkpoint adds to a commit at most, and the length of the log, under durable load", checkpoint),
    "selector-properties": ("evaluations of a selector with five terms over properties, one core",
                            selector_evaluation("properties_per_s", "evaluations/s", 3000000)),
    "selector-xml": ("evaluations of a selector with one path into an XML body of 2 KiB, one core",
                     selector_evaluation("xml_per_s", "evaluations/s", 50000)),
    "selector-all": ("throughput of a queue whose consumer has a selector that selects everything",
                     selector_throughput(85, 1, "--selector", "key LIKE 'k%' OR key IS NULL")),
    "selector-1000": ("throughput of a queue with 1,000 consumers, each with an equality of its own, on 10 connections",
                      selector_throughput(50, 1000, "--selector", "key = '#'", per_connection=100)),
    "selector-1000-connections": ("the same with a connection for each", selector_throughput(50, 1000, "--selector", "key = '#'")),
    "selector-search": ("one message in 1,000 of 1 million waiting is selected: the first, and all", selector_search(1000000)),
    "move-1m": ("1 million messages moved from one queue to another as an operation", move(1000000, 0)),
    "move-1m-killed": ("the same, with the broker killed twice on the way", move(1000000, 2)),
    "list-10k-queues": ("first page of 10,000 queues sorted by depth, with traffic", list_queues(10000)),
    "browse-1m": ("first page of a queue of 1 million by a selector that matches 1 %, with traffic", browse(1000000)),
    "consoles-200": ("processor use of a broker with 200 web consoles open, with live charts", open_consoles(200)),
    "idle-1000": ("processor use of an idle broker with 1,000 idle connections", idle_connections),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="scenarios, or 'all'")
    parser.add_argument("--list", action="store_true", help="name every scenario and what it measures")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="build folder (default: build/release)")
    arguments = parser.parse_args()
    if arguments.list or not arguments.names:
        for name, (what, _) in SCENARIOS.items():
            print(f"{name:28} {what}")
        return 0 if arguments.list else 2
    names = list(SCENARIOS) if arguments.names == ["all"] else arguments.names
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"unknown scenario: {', '.join(unknown)}; --list names them", file=sys.stderr)
        return 2
    failed = False
    try:
        machine = Machine(os.path.abspath(arguments.build))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    try:
        for name in names:
            try:
                result = SCENARIOS[name][1](machine)
            except (Failure, subprocess.TimeoutExpired) as failure:
                result = {"error": str(failure), "met": False}
            failed = failed or "error" in result
            print(json.dumps({"name": name, **result}), flush=True)
    finally:
        machine.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
