#!/usr/bin/python3
"""The storm of XA: three workers of examples/xa-transfer move money in PostgreSQL and messages in the broker, in one global transaction
each, while workers (each is application and coordinator in one), broker and database are killed with SIGKILL at random moments. In the end
the sum of the balances is what it was, there is one receipt for each transfer and one transfer for each order, and nobody is in
doubt.

  storm.py [--kills N] [--seed N]

20 kills by default, 500 with GIROMQ_TEST_LONG=1. Exit code 77: something is missing.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from world import TRANSFER, Failure, expect_equal, long_run, program, run_transfer

from broker import SKIPPED, Broker
from postgresql import PostgreSql, server_folder

WORKERS = ("a", "b", "c")
BATCH = 300  # orders that are sent at once, when as many are left
END_SECONDS = 240


class Storm:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="giromq-xa-storm-"))
        self.state = self.folder / "state"
        self.state.mkdir()
        self.broker = Broker(folder=self.folder).start()
        self.database = PostgreSql(self.folder).start()
        self.workers = {}
        self.sender = None
        self.failed_sends = 0
        self.ordered = 0
        self.kills = {"worker": 0, "broker": 0, "database": 0}

    def close(self):
        for process in (*self.workers.values(), *([self.sender] if self.sender else [])):
            process.kill()
            process.wait()
        self.broker.close()
        self.database.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def transfer(self, command, *arguments):
        code, output = run_transfer(self.broker.url, self.database.libpq, self.state, command, *arguments, seconds=END_SECONDS)
        expect_equal(0, code, output)
        return output

    def start_worker(self, name, *arguments):
        with open(self.folder / f"worker-{name}.log", "ab") as log:
            self.workers[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", TRANSFER, "run", "--uri", self.broker.url, "--database", self.database.libpq, "--state",
                 self.state, "--name", name, "--branch-timeout", "5", "--roll-back-one-in", "25", *arguments], stdout=log, stderr=log)

    def send_more(self):
        """Begins a sender when few orders are left. One that fails with the broker sends its batch again: each order has an id."""
        if self.sender is not None:
            if self.sender.poll() is None:
                return
            if self.sender.returncode == 0:
                self.ordered += BATCH
            else:
                self.failed_sends += 1
            self.sender = None
        done = int(self.database.query("SELECT count(*) FROM transfer")[0])
        if self.ordered - done < BATCH:
            with open(self.folder / "sender.log", "ab") as log:
                self.sender = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", TRANSFER, "send", "--uri", self.broker.url, "--first", str(self.ordered + 1),
                     "--count", str(BATCH), "--seed", str(self.ordered)], stdout=log, stderr=log)

    def finish_sending(self):
        while self.sender is not None:
            code = self.sender.wait(END_SECONDS)
            self.ordered += BATCH if code == 0 else 0
            self.sender = None
            if code != 0:
                self.send_more()

    def kill_one(self):
        time.sleep(self.random.uniform(0.05, 0.9))
        self.send_more()  # now, so that some batches are hit
        kind = self.random.choices(("worker", "broker", "database"), (5, 3, 2))[0]
        self.kills[kind] += 1
        if kind == "worker":
            name = self.random.choice(WORKERS)
            self.expect_alive(name)
            self.workers[name].kill()
            self.workers[name].wait()
            self.start_worker(name)
        elif kind == "broker":
            self.broker.kill()
            time.sleep(self.random.uniform(0, 0.3))
            self.broker.start()
        else:
            self.database.kill()
            time.sleep(self.random.uniform(0, 0.3))
            self.database.start()

    def expect_alive(self, name):
        code = self.workers[name].poll()
        if code is not None:
            raise Failure(f"the worker {name} had ended by itself with exit code {code}")

    def run(self, kills):
        self.broker.rest("PUT", "/api/v1/queues/transfers.in", {"maxDeliveries": 0})
        self.transfer("setup", "--accounts", 20)
        self.send_more()
        for name in WORKERS:
            self.start_worker(name)
        for _ in range(kills):
            self.kill_one()
        self.finish_sending()
        for name in WORKERS:
            self.expect_alive(name)
            self.workers[name].kill()
            self.workers[name].wait()
            self.start_worker(name, "--count", str(self.ordered))
        for name in WORKERS:
            expect_equal(0, self.workers[name].wait(END_SECONDS), f"exit code of the worker {name}")
        print(self.transfer("verify", "--count", self.ordered).strip())
        expect_equal(0, self.broker.stop(), "exit code of the broker")
        code, output = self.broker.check()
        expect_equal(0, code, output)

    def explain(self):
        for log in (*self.folder.glob("worker-*.log"), *self.folder.glob("sender.log"), self.broker.log, self.database.log):
            print(f"--- {log.name}")
            print("\n".join(log.read_text(errors="replace").splitlines()[-25:]))


def missing():
    if shutil.which("setpriv") is None:
        return "setpriv is not installed"
    for file in (program("giromqd"), TRANSFER):
        if not file.exists():
            return f"{file} is not built"
    return None if server_folder() else "PostgreSQL is not installed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500 if long_run() else 20)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("GIROMQ_TEST_SEED", random.SystemRandom().randrange(1 << 32))))
    options = parser.parse_args()
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    print(f"seed {options.seed}, {options.kills} kills", flush=True)
    storm = Storm(options.seed)
    try:
        storm.run(options.kills)
    except Exception as failure:  # noqa: BLE001
        print(f"FAILED with seed {options.seed}: {failure}")
        storm.explain()
        return 1
    finally:
        storm.close()
    kills = ", ".join(f"{kind} {count}" for kind, count in storm.kills.items())
    print(f"{kills}: {sum(storm.kills.values())} kills; {storm.failed_sends} batches sent again")
    print("OK (1)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
