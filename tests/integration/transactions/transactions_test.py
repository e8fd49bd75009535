"""Transacted sessions of libgiromq and a real broker: what commit and rollback promise, and what is left when either of them is killed."""

import os
import pathlib
import random
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import giromqd  # noqa: E402  (the folder beside is not a package)

CLIENT = os.path.join(os.environ.get("GIROMQ_BUILD_DIR", "."), "bin", "giromq_test_transaction_client")
SKIPPED = 77
MESSAGES = 400


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TransactionsTest(giromqd.DaemonTest):
    def setUp(self):
        super().setUp()
        self.address = f"127.0.0.1:{free_port()}"
        self.daemon = self.start("--amqp", self.address)
        self.uri = f"amqp://{self.address}?reconnect.delay-ms=20&reconnect.max-delay-ms=200"

    def restart(self):
        self.daemon.kill()
        self.daemon = self.start("--amqp", self.address)

    def client(self, *arguments):
        return subprocess.run([CLIENT, *arguments], capture_output=True, text=True, timeout=120, check=False)

    def done(self, *arguments):
        done = self.client(*arguments)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr + self.daemon.logged())
        return done.stdout

    def begin(self, *arguments):
        process = subprocess.Popen([CLIENT, *arguments], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close()))
        return process

    def content(self, queue):
        """Pairs of text and delivery count."""
        return [tuple(line.split()) for line in self.done("drain", self.uri, queue).splitlines()]

    def test_commit_and_rollback(self):
        self.done("check", self.uri)

    def test_a_client_that_is_killed_before_the_commit_has_done_nothing(self):
        self.done("fill", self.uri, "3")
        holder = self.begin("hold", self.uri)
        self.assertEqual("holding 1\n", holder.stdout.readline())
        holder.kill()
        holder.wait()
        content = self.content("in")
        self.assertEqual(["1", "2", "3"], [text for text, _ in content])
        self.assertEqual("2", content[0][1], "what the application had seen is counted")
        self.assertEqual([], self.content("left"))

    def test_a_broker_that_is_killed_before_the_commit_has_done_nothing(self):
        self.done("fill", self.uri, "2")
        holder = self.begin("hold", self.uri)
        self.assertEqual("holding 1\n", holder.stdout.readline())
        self.restart()
        holder.kill()
        holder.wait()
        self.assertEqual(["1", "2"], [text for text, _ in self.content("in")])
        self.assertEqual([], self.content("left"))

    def test_a_broker_that_is_killed_again_and_again_leaves_every_transaction_whole(self):
        chance = random.Random(20)
        self.done("fill", self.uri, str(MESSAGES))
        mover = self.begin("move", self.uri)
        said, kills = [], 0
        while True:
            line = mover.stdout.readline()
            if not line:
                break
            said.append(line.split(":")[0].split()[0])
            if kills < 12 and len(said) % 30 == 0:
                # At any moment of a transaction: which takes well under ten milliseconds.
                time.sleep(chance.random() * 0.01)
                self.restart()
                kills += 1
        self.assertEqual(0, mover.wait(timeout=60))
        self.assertGreater(kills, 5)
        expected = [str(number) for number in range(1, MESSAGES + 1)]
        for queue in ("left", "right"):
            self.assertEqual(expected, [text for text, _ in self.content(queue)], queue)
        self.assertEqual([], self.content("in"))
        self.assertGreater(len([word for word in said if word != "committed"]), 0, "no kill has hit a transaction")


if __name__ == "__main__":
    if not os.path.exists(CLIENT):
        print(f"skipped: {CLIENT} is not built")
        sys.exit(SKIPPED)
    giromqd.main()
