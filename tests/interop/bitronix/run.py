#!/usr/bin/python3
"""Bitronix drives the C switch of libgiromq-xa (over a bridge to Java) with PostgreSQL as the second resource: commit, rollback, one phase,
deaths of the manager, of the broker and of the database, and recovery by xa_recover. Exit code 77: something is missing."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from broker import SKIPPED, Broker, build_folder, program  # noqa: E402
from postgresql import PostgreSql, server_folder  # noqa: E402

JARS = [pathlib.Path("/usr/share/java") / f"{name}.jar"
        for name in ("btm", "geronimo-jta-1.2-spec", "slf4j-api", "slf4j-simple", "postgresql")]
LIBRARY = build_folder() / "lib" / "libgiromq-xa.so"
BRIDGE = build_folder() / "lib" / "libgiromq_test_xa_bridge.so"
CLASSES = build_folder() / "interop-bitronix"
TELLER_SECONDS = 120


def missing():
    for tool in ("java", "javac", "setpriv"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    for file in (*JARS, program("giromqd"), program("giromq"), LIBRARY, BRIDGE):
        if not file.exists():
            return f"{file} is not there"
    return None if server_folder() else "PostgreSQL is not installed"


def compile_classes():
    shutil.rmtree(CLASSES, ignore_errors=True)
    sources = sorted(map(str, HERE.glob("*.java")))
    subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", CLASSES, "-cp", ":".join(map(str, JARS)), *sources], check=True)


class BitronixTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="giromq-bitronix-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.manager_log = self.folder / "manager"
        self.manager_log.mkdir()
        self.broker = Broker(folder=self.folder).start()
        self.addCleanup(self.broker.close)
        self.database = PostgreSql(self.folder).start()
        self.addCleanup(self.database.close)
        self.database.query("CREATE TABLE booked (id text PRIMARY KEY)")

    def command(self, *what):
        return ["setpriv", "--pdeathsig", "KILL", "java", "-XX:TieredStopAtLevel=1", "-Xmx256m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", ":".join(map(str, [CLASSES, *JARS])), "Teller",
                str(self.manager_log), str(LIBRARY), str(BRIDGE), f"url={self.broker.url}", str(self.database.port), *what]

    def teller(self, *what, exit_code=0):
        done = subprocess.run(self.command(*what), capture_output=True, text=True, timeout=TELLER_SECONDS, check=False)
        output = done.stdout + done.stderr
        self.assertEqual(exit_code, done.returncode, output + self.broker.log_tail())
        return output

    def begin(self, *what):
        process = subprocess.Popen(self.command(*what), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdin.close(), process.stdout.close()))
        return process

    def wait_for(self, process, line):
        seen = []
        for text in process.stdout:
            seen.append(text)
            if text.startswith(line):
                return
        self.fail(f"it did not say {line!r}:\n{''.join(seen)}")

    def giromq(self, *arguments, text=None):
        command = [program("giromq"), "--url", self.broker.url, "--http", f"http://127.0.0.1:{self.broker.http_port}", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return done.stdout.splitlines()

    def order(self, *orders):
        self.giromq("send", "orders", "--lines", text="".join(f"{order}\n" for order in orders))

    def content(self, queue):
        return self.giromq("receive", queue, "--count", "0", "--timeout", "0")

    def check(self, left, done):
        """Every order is either where it was, or booked and answered; nobody is in doubt."""
        self.assertEqual([], self.database.in_doubt())
        self.assertEqual([], self.giromq("xa", "list", "--json"))
        self.assertEqual(done, self.database.query("SELECT id FROM booked ORDER BY id"))
        self.assertEqual(done, self.content("receipts"))
        self.assertEqual(left, self.content("orders"))

    def test_commit_and_rollback(self):
        self.order("1", "2", "3")
        output = self.teller("rollback", "commit", "commit")
        self.assertIn("rollback 0\n", output)
        self.assertEqual(2, output.count("commit 0\n"), output)
        self.check(left=["3"], done=["1", "2"])

    def test_one_resource_is_committed_in_one_phase_and_none_is_read_only(self):
        self.order("1")
        output = self.teller("messages", "nothing")
        self.assertIn("commit one-phase 0\n", output)
        self.assertNotIn("prepare 0", output)
        self.assertEqual(["1"], self.content("receipts"))
        self.assertEqual([], self.content("orders"))
        self.assertEqual([], self.database.query("SELECT id FROM booked"))

    def test_a_manager_that_dies_when_all_is_prepared_rolls_back_when_it_returns(self):
        self.order("1")
        self.teller("dieAt=prepared", "commit", exit_code=9)
        self.assertEqual(1, len(self.giromq("xa", "list", "--json")))
        self.broker.kill()
        self.broker.start()
        self.assertEqual(1, len(self.giromq("xa", "list", "--json")), "a prepared branch survives")
        output = self.teller("recover")
        self.assertIn("rollback 0\n", output)
        self.check(left=["1"], done=[])

    def test_a_manager_that_dies_when_it_has_decided_commits_when_it_returns(self):
        self.order("1")
        self.teller("dieAt=committing", "commit", exit_code=9)
        self.broker.kill()
        self.database.kill()
        self.broker.start()
        self.database.start()
        output = self.teller("recover")
        self.assertIn("commit 0\n", output)
        self.check(left=[], done=["1"])

    def test_a_manager_that_dies_after_the_commit_has_nothing_left_to_do(self):
        self.order("1")
        self.teller("dieAt=committed", "commit", exit_code=9)
        self.teller("recover")
        self.check(left=[], done=["1"])

    def test_a_broker_that_dies_before_the_commit_is_told_again(self):
        self.order("1")
        teller = self.begin("waitAt=committing", "commit")
        self.wait_for(teller, "waits: committing")
        self.broker.kill()
        self.broker.start()
        self.told_again(teller)

    def test_a_database_that_dies_before_the_commit_is_told_again(self):
        self.order("1")
        teller = self.begin("waitAt=committing", "commit")
        self.wait_for(teller, "waits: committing")
        self.database.kill()
        self.database.start()
        self.told_again(teller)

    def told_again(self, teller):
        """The manager hears XAER_RMFAIL from one of the two, says that the transaction is committed, and keeps it in its log."""
        output, _ = teller.communicate("\n", timeout=TELLER_SECONDS)
        self.assertEqual(0, teller.returncode, output)
        self.assertIn("commit done: 1", output)
        self.teller("recover")
        self.check(left=[], done=["1"])

    def test_a_rollback_that_does_not_reach_the_broker_is_made_good_when_the_manager_returns(self):
        self.order("1")
        teller = self.begin("waitAt=prepared", "commit")
        self.wait_for(teller, "waits: prepared")
        self.broker.kill()
        self.database.kill()
        self.database.start()
        output, _ = teller.communicate("\n", timeout=TELLER_SECONDS)
        self.assertIn("commit failed", output)
        self.broker.start()
        self.teller("recover")
        self.check(left=["1"], done=[])


def main():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    compile_classes()
    names = sys.argv[1:]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames([f"{BitronixTest.__name__}.{name}" for name in names], sys.modules[__name__]) if names else \
        loader.loadTestsFromTestCase(BitronixTest)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    print(f"OK ({result.testsRun})")  # what tests/results.py counts
    return 0


if __name__ == "__main__":
    sys.exit(main())
