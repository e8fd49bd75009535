#!/usr/bin/python3
"""The storm: producers and consumers work, giromqd is killed with SIGKILL at random moments and started again, and an external checker says
whether anything that was promised was broken. See README.md.

  storm.py [--kills N] [--seconds S] [--seed N] [--keep]

A dozen kills by default; 120 with GIROMQ_TEST_LONG=1. The seed is that of GIROMQ_TEST_SEED if it is set, and printed.
Exit code 77: a tool is missing.
"""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "interop")]

from broker import SKIPPED, Broker, program  # noqa: E402

try:
    import proton  # noqa: F401
except ImportError:
    print("skipped: python3-qpid-proton is not installed")
    sys.exit(SKIPPED)

from amqp_client import Client, pump_all  # noqa: E402
from checker import Checker  # noqa: E402
from workload import Consumer, History, NativeClient, Producer  # noqa: E402

NATIVE = "giromq_test_storm_client"
SETTLE_SECONDS = 120  # in which everything must have been delivered after the last kill


def must_reject(key, queue):
    return queue == "storm.reject" and key[1] % 7 == 0


def cast(port, history, generator):
    """The producers and consumers. Each queue shows something else."""
    def rng():
        return random.Random(generator.random())

    def fail_sometimes(key, seen):
        if not seen and key[1] % 5 == 0:
            return "failed" if key[1] % 10 == 0 else "released"
        return "accepted"

    def reject_some(key, seen):
        return "rejected" if must_reject(key, "storm.reject") else "accepted"

    producers = [
        Producer("order-plain", port, history, "storm.order", rate=250, generator=rng()),
        Producer("order-dedup", port, history, "storm.order", mode="dedup", rate=250, generator=rng()),
        Producer("shared-plain", port, history, "storm.shared", rate=200, generator=rng()),
        Producer("shared-dedup", port, history, "storm.shared", mode="dedup", rate=200, generator=rng()),
        Producer("shared-slow", port, history, "storm.shared", mode="dedup", rate=100, window=1, generator=rng()),
        Producer("large-dedup", port, history, "storm.large", mode="dedup", rate=30, window=6, large_every=10, generator=rng()),
        Producer("reject-dedup", port, history, "storm.reject", mode="dedup", rate=100, generator=rng()),
        Producer("again-plain", port, history, "storm.again", rate=100, generator=rng()),
        Producer("backlog-dedup", port, history, "storm.backlog", mode="dedup", rate=400, window=100, generator=rng()),
        Producer("memory", port, history, "storm.memory", mode="memory", rate=150, generator=rng()),
    ]
    consumers = [
        Consumer("order", port, history, "storm.order", strict=True, generator=rng()),
        Consumer("shared-1", port, history, "storm.shared", generator=rng()),
        Consumer("shared-2", port, history, "storm.shared", credit=5, disconnects_every=1.5, generator=rng()),
        Consumer("shared-3", port, history, "storm.shared", credit=200, confirm=False, generator=rng()),
        Consumer("large", port, history, "storm.large", credit=8, strict=True, generator=rng()),
        Consumer("reject", port, history, "storm.reject", strict=True, decide=reject_some, generator=rng()),
        Consumer("again", port, history, "storm.again", decide=fail_sometimes, generator=rng()),
        Consumer("memory", port, history, "storm.memory", strict=True, generator=rng()),
        Consumer("dead", port, history, "DLQ", generator=rng()),
        Consumer("native", port, history, "storm.native", strict=True, generator=rng()),
        Consumer("backlog", port, history, "storm.backlog", credit=200, strict=True, generator=rng()),
    ]
    consumers[-1].enabled = False  # until half of the kills are over: by then the queue is longer than what is kept in memory
    if program(NATIVE).exists():
        producers.append(Producer("to-native-dedup", port, history, "storm.to-native", mode="dedup", rate=100, generator=rng()))
    return producers, consumers


def native_cast(port, history):
    """Processes over libgiromq, if that is built: it sends to the plain client, and receives what both send."""
    executable = program(NATIVE)
    if not executable.exists():
        print("libgiromq is not built: the storm goes without it")
        return [], []
    senders = [
        NativeClient(executable, "send", "native-waiting", port, history, "storm.native", "--rate", "400"),
        NativeClient(executable, "send-async", "native-async", port, history, "storm.native", "--rate", "300"),
        NativeClient(executable, "send-async", "native-to-native", port, history, "storm.to-native", "--rate", "200"),
    ]
    receivers = [NativeClient(executable, "receive", "native-receiver", port, history, "storm.to-native")]
    return senders, receivers


class Clients(threading.Thread):
    """Drives all clients in one thread, so that the history has one order."""

    def __init__(self, producers, consumers):
        super().__init__(daemon=True)
        self.producers = producers
        self.consumers = consumers
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            everyone = self.producers + self.consumers
            while not self.ending.is_set():
                now = time.monotonic()
                for one in everyone:
                    one.step(now)
                clients = [one.client for one in everyone if one.client is not None]
                if clients:
                    pump_all(clients, 0.005)
                else:
                    time.sleep(0.005)
        except BaseException as failure:  # reported by the main thread
            self.failure = failure


def check_store(broker):
    """The store of the broker that was stopped or killed: the violations that `giromqd --check` finds."""
    code, output = broker.check()
    return [] if code == 0 else [f"giromqd --check found damage (exit code {code}): {output.strip()}"]


def kill_and_start(broker, generator, kill):
    """Lets the broker live for a while, kills it, and starts it again; sometimes it is killed while it is still starting. Violations."""
    violations = []
    early = kill % 6 == 5
    if early:
        broker.kill()
        for _ in range(generator.randrange(1, 4)):
            broker.spawn()
            time.sleep(generator.uniform(0, 0.15))
            broker.kill()
    else:
        time.sleep(generator.choice((generator.uniform(0.02, 0.3), generator.uniform(0.3, 1.5), generator.uniform(1, 3))))
        broker.kill()
    if kill % 10 == 3:
        violations += check_store(broker)
    if generator.random() < 0.3:
        time.sleep(generator.uniform(0, 0.5))
    broker.start()
    return violations


def wait_until_settled(clients, native_senders, history):
    """True when every producer has its answers and nothing has come for a while."""
    for producer in clients.producers:
        producer.stopped = True
    for sender in native_senders:
        sender.stop_sending()
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline and clients.failure is None:
        time.sleep(0.1)
        idle = all(one.is_idle() for one in clients.producers + clients.consumers + native_senders)
        if idle and time.monotonic() - history.last_change > 2:
            return True
    return False


def left_over(broker, queues):
    """Messages that are still in the queues, by draining them."""
    found = []
    with Client(broker.port) as client:
        for queue in queues:
            link = client.receiver(queue)
            found += [f"{queue} still holds {message.message.id}" for message in client.drain(link, 100)]
            client.close_link(link)
    return found


def run(arguments):
    generator = random.Random(arguments.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="giromq-storm-"))
    history = History(folder / "history.log")
    started = time.monotonic()
    violations = []
    with Broker(folder=folder) as broker:
        producers, consumers = cast(broker.port, history, generator)
        clients = Clients(producers, consumers)
        broker.start()
        clients.start()
        native_senders, native_receivers = native_cast(broker.port, history)
        kills = 0
        while kills < arguments.kills and time.monotonic() - started < arguments.seconds and clients.failure is None:
            violations += kill_and_start(broker, generator, kills)
            kills += 1
            if kills >= arguments.kills // 2:
                consumers[-1].enabled = True
        consumers[-1].enabled = True
        time.sleep(1)
        settled = wait_until_settled(clients, native_senders, history)
        clients.ending.set()
        clients.join(10)
        if clients.failure is not None:
            violations.append(f"a client failed: {clients.failure!r}")
        elif not settled:
            violations.append(f"after {SETTLE_SECONDS} s not everything was delivered and settled: "
                              + ", ".join(one.name for one in producers + consumers + native_senders if not one.is_idle()))
        violations += filter(None, [one.finish() for one in native_senders + native_receivers])
        for one in consumers + producers:
            one.finish()
        if settled:
            violations += left_over(broker, sorted({one.queue for one in consumers + native_receivers}))
        code = broker.stop()
        if code != 0:
            violations.append(f"giromqd ended with exit code {code} after SIGTERM")
        violations += check_store(broker)
    checker = Checker(must_reject=must_reject)
    violations += checker.check(history.in_order())
    counts = checker.counts
    print(f"{kills} kills in {time.monotonic() - started:.0f} s: {counts.sent} messages sent, {counts.confirmed} confirmed, "
          f"{counts.unknown} without answer; {counts.received} deliveries, {counts.redelivered} of them again; {counts.settled} outcomes "
          f"confirmed, {counts.dead_lettered} dead letters; {counts.lost_non_persistent} non-persistent messages lost with the broker")
    if counts.confirmed < 100 or (kills > 3 and counts.redelivered == 0):
        violations.append("the storm was no storm: hardly anything happened, so it proves nothing")
    for violation in violations[:50]:
        print("VIOLATION:", violation)
    if violations:
        print(f"{len(violations)} violations; seed {arguments.seed}; history and log of the broker: {folder}")
        return 1
    if not arguments.keep:
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        folder.rmdir()
    print("no violation")
    return 0


def main():
    long_run = os.environ.get("GIROMQ_TEST_LONG") == "1"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=120 if long_run else 12)
    parser.add_argument("--seconds", type=float, default=3600 if long_run else 40, help="no further kill after so long")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("GIROMQ_TEST_SEED") or random.SystemRandom().randrange(1 << 32)))
    parser.add_argument("--keep", action="store_true", help="keep the folder with history, log and data")
    arguments = parser.parse_args()
    if not program("giromqd").exists():
        print(f"skipped: {program('giromqd')} is not built")
        return SKIPPED
    import checker_test
    suite = unittest.defaultTestLoader.loadTestsFromModule(checker_test)
    if not unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(suite).wasSuccessful():
        print("the checker itself is broken")
        return 1
    print(f"seed {arguments.seed}")
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
