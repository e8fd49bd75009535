#!/usr/bin/python3
"""LIXA drives the C switch of libgiromq-xa, static and dynamic, with two brokers as its two resource managers. LIXA is not in Debian: where
it is not installed (LIXA_HOME, /opt/lixa by default) the test is skipped."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parent)]

from broker import SKIPPED, Broker, build_folder, free_port, program  # noqa: E402

LIXA = pathlib.Path(os.environ.get("LIXA_HOME", "/opt/lixa"))
BUILT = build_folder() / "interop-lixa"
TX_OK, TX_FAIL = 0, -7

CLIENT = """<?xml version="1.0" encoding="UTF-8" ?>
<client connection_timeout="5000">
  <sttsrvs><sttsrv name="state" domain="AF_INET" address="127.0.0.1" port="{port}"/></sttsrvs>
  <rsrmgrs>
    <rsrmgr name="First" switch_file="{switch}" xa_open_info="url={first}" xa_close_info=""/>
    <rsrmgr name="Second" switch_file="{switch}" xa_open_info="url={second}" xa_close_info=""/>
  </rsrmgrs>
  <profiles><profile name="brokers">
    <sttsrvs><sttsrv>state</sttsrv></sttsrvs>
    <rsrmgrs><rsrmgr>First</rsrmgr><rsrmgr>Second</rsrmgr></rsrmgrs>
  </profile></profiles>
</client>
"""
SERVER = """<?xml version="1.0" encoding="UTF-8" ?>
<server pid_file="{folder}/lixad.pid" min_elapsed_sync_time="0" max_elapsed_sync_time="0">
  <listeners><listener domain="AF_INET" address="127.0.0.1" port="{port}"/></listeners>
  <managers><manager status_file="{folder}/status"/></managers>
</server>
"""


def lixad():
    for folder in ("bin", "sbin"):
        if (LIXA / folder / "lixad").exists():
            return LIXA / folder / "lixad"
    return None


def missing():
    if lixad() is None or not (LIXA / "include" / "tx.h").exists():
        return f"LIXA is not installed in {LIXA}"
    if shutil.which("c++") is None or shutil.which("setpriv") is None:
        return "c++ or setpriv is not installed"
    for file in (program("giromqd"), program("giromq"), build_folder() / "lib" / "libgiromq-xa.so"):
        if not file.exists():
            return f"{file} is not built"
    return None


def compile_all():
    BUILT.mkdir(exist_ok=True)
    library = build_folder() / "lib"
    common = ["c++", "-std=c++20", f"-I{ROOT}/xa/switch/include", f"-I{ROOT}/client-api/include", f"-I{LIXA}/include"]
    link = [f"-L{library}", f"-Wl,-rpath,{library}", "-lgiromq-xa"]
    for name, flags in (("static", []), ("dynamic", ["-DDYNAMIC"])):
        subprocess.run([*common, "-shared", "-fPIC", *flags, HERE / "switch_file.cpp", "-o", BUILT / f"{name}.so", *link], check=True)
    lixa = [f"-L{LIXA}/lib", f"-Wl,-rpath,{LIXA}/lib", "-llixac", "-llixab"]
    subprocess.run([*common, HERE / "mover.cpp", "-o", BUILT / "mover", *link, *lixa], check=True)


class LixaCase:
    """The tests of both switches."""

    switch = ""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="giromq-lixa-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.brokers = []
        for name in ("first", "second"):
            folder = self.folder / name
            folder.mkdir()
            self.brokers.append(Broker(folder=folder).start())
            self.addCleanup(self.brokers[-1].close)
        port = free_port()
        (self.folder / "server.xml").write_text(SERVER.format(folder=self.folder, port=port))
        (self.folder / "client.xml").write_text(CLIENT.format(
            port=port, switch=BUILT / f"{self.switch}.so", first=self.brokers[0].url, second=self.brokers[1].url))
        self.environment = {**os.environ, "LIXA_CONFIG_FILE": str(self.folder / "client.xml"), "LIXA_PROFILE": "brokers",
                            "LIXA_JOB": "giromq"}
        with open(self.folder / "lixad.log", "wb") as log:
            state = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", lixad(), "--config-file", self.folder / "server.xml"],
                                     stdout=log, stderr=log)
        self.addCleanup(lambda: (state.kill(), state.wait()))
        give_up_at = time.monotonic() + 30
        while self.mover()[0] != 0:  # opens and closes
            if time.monotonic() > give_up_at:
                self.fail("LIXA's state server does not start:\n" + (self.folder / "lixad.log").read_text())
            time.sleep(0.1)

    def mover(self, *what):
        done = subprocess.run([BUILT / "mover", *what], env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def move(self, *what):
        code, output = self.mover(*what)
        self.assertEqual(0, code, output)
        return output

    def giromq(self, broker, *arguments, text=None):
        command = [program("giromq"), "--url", broker.url, "--http", f"http://127.0.0.1:{broker.http_port}", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return done.stdout.splitlines()

    def order(self, *orders):
        self.giromq(self.brokers[0], "send", "in", "--lines", text="".join(f"{order}\n" for order in orders))

    def check(self, left, done):
        for broker in self.brokers:
            self.assertEqual([], self.giromq(broker, "xa", "list", "--json"))
        self.assertEqual(done, self.giromq(self.brokers[1], "receive", "out", "--count", "0"))
        self.assertEqual(left, self.giromq(self.brokers[0], "receive", "in", "--count", "0"))

    def arm(self, broker, failpoint):
        broker.stop()
        broker.environment, broker.arguments = {"GIROMQ_FAILPOINT": failpoint}, ["--dev", "--allow-failpoints"]
        broker.start()

    def disarm(self, broker):
        broker.process.wait(30)
        broker.environment, broker.arguments = {}, ["--dev"]
        broker.start()

    def test_commit_rollback_and_no_work(self):
        self.order("1", "2", "3")
        output = self.move("rollback", "commit", "nothing", "commit")
        self.assertEqual(2, output.count("commit 0\n"), output)
        self.check(left=["3"], done=["1", "2"])

    def test_a_broker_that_dies_in_its_prepare_rolls_both_back(self):
        self.order("1")
        self.arm(self.brokers[1], "prepare.durable")
        self.assertIn(f"commit {TX_FAIL}\n", self.mover("commit")[1])
        self.disarm(self.brokers[1])
        self.move()  # its next tx_open recovers
        self.check(left=["1"], done=[])

    def test_a_broker_that_dies_in_its_commit_is_told_again(self):
        for failpoint in ("commit.arrived", "commit.durable"):
            with self.subTest(failpoint):
                self.order("1")
                self.arm(self.brokers[1], failpoint)
                self.assertIn(f"commit {TX_FAIL}\n", self.mover("commit")[1])
                self.disarm(self.brokers[1])
                self.move()
                self.check(left=[], done=["1"])


class StaticTest(LixaCase, unittest.TestCase):
    switch = "static"


class DynamicTest(LixaCase, unittest.TestCase):
    switch = "dynamic"


def main():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    compile_all()
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    print(f"OK ({result.testsRun})")  # what tests/results.py counts
    return 0


if __name__ == "__main__":
    sys.exit(main())
