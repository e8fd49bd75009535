"""Branches of global transactions between libgiromq (XAResource, and the C switch) and a real broker, which is killed in between."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0] / "daemon"))
import giromqd  # noqa: E402  (the folder beside is not a package)

BUILD = pathlib.Path(os.environ.get("GIROMQ_BUILD_DIR", "."))
CLIENT = BUILD / "bin" / "giromq_test_branch_client"
LIBRARY = BUILD / "lib" / "libgiromq-xa.so"
INCLUDE = HERE.parents[2] / "xa" / "switch" / "include"
SKIPPED = 77

# Codes of the specification.
HEURRB, HEURCOM, RBROLLBACK, RBCOMMFAIL = 6, 7, 100, 101
NOTA, PROTO, RMFAIL, DUPID, OUTSIDE, ASYNC, RMERR = -4, -6, -7, -8, -9, -2, -3
TMREGISTER, TMNOMIGRATE = 1, 2


def xa(code):
    return f"XA {code}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A client that answers each line with a line."""

    def __init__(self, test, *command):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.kill)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Application:
    """One XASession and its XAResource in a program of its own, or beside another one."""

    def __init__(self, test, uri, program=None, name="a"):
        self.program = program or Program(test, CLIENT)
        self.name = name
        self.test = test
        test.assertEqual("ok", self.program.ask(f"open {name} {uri}"))

    def __call__(self, *words):
        return self.program.ask(" ".join((self.name,) + words))

    def must(self, *words):
        self.test.assertEqual("ok", self(*words), words)

    def until_known(self, *words):
        """What a manager does with XAER_RMFAIL: it makes the call again, until the library has connected again."""
        give_up_at = time.monotonic() + 30
        while (answer := self(*words)) == xa(RMFAIL):
            self.test.assertLess(time.monotonic(), give_up_at, words)
            time.sleep(0.02)
        return answer

    def idle(self, xid, text=None):
        """A branch that has put a message into "out", and has ended."""
        self.must("start", xid, "new")
        self.must("send", "out", text or xid)
        self.must("end", xid, "success")

    def prepared(self, xid):
        self.idle(xid)
        self.must("prepare", xid)


class BranchTest(giromqd.DaemonTest):
    def setUp(self):
        super().setUp()
        self.address = f"127.0.0.1:{free_port()}"
        # Branches are prepared from other processes here, so that xa_end has to be heard.
        self.uri = f"amqp://{self.address}?reconnect.delay-ms=20&reconnect.max-delay-ms=200&xa-pipeline=false"
        self.daemon = self.start("--amqp", self.address)

    def restart(self):
        self.daemon.kill()
        self.daemon = self.start("--amqp", self.address)

    def application(self, *arguments):
        return Application(self, self.uri, *arguments)

    def content(self, queue):
        """What is there to be had; a branch of its own takes it, and gives it back."""
        reader = self.application()
        reader.must("start", "reader", "new")
        texts = []
        while (answer := reader("poll", queue)) != "none":
            texts.append(answer.split()[0])
        reader.must("end", "reader", "fail")
        reader("rollback", "reader")
        reader.program.kill()
        return texts


class XaResourceTest(BranchTest):
    def test_a_prepared_branch_survives_the_broker_and_is_committed(self):
        first = self.application()
        first.idle("fill", "m1")
        first.must("one-phase", "fill")
        first.must("start", "x", "new")
        self.assertEqual("m1 1", first("receive", "out"))
        first.must("send", "status", "booked")
        first.must("end", "x", "success")
        first.must("prepare", "x")
        self.restart()
        first.program.kill()
        second = self.application()
        self.assertEqual("x", second("recover"))
        self.assertEqual([], self.content("out"), "what it got is locked")
        self.assertEqual([], self.content("status"), "what it put is not shown")
        second.must("commit", "x")
        self.assertEqual([], self.content("out"))
        self.assertEqual(["booked"], self.content("status"))
        self.assertEqual("", second("recover"))
        self.restart()
        self.assertEqual("ok", second.until_known("commit", "x"))
        self.assertEqual(xa(HEURCOM), second("rollback", "x"), "a repeated call hears the truth")
        self.assertEqual(["booked"], self.content("status"))

    def test_a_prepared_branch_survives_the_broker_and_is_rolled_back(self):
        first = self.application()
        first.idle("fill", "m1")
        first.must("one-phase", "fill")
        first.must("start", "x", "new")
        self.assertEqual("m1 1", first("receive", "out"))
        first.must("send", "status", "booked")
        first.must("end", "x", "success")
        first.must("prepare", "x")
        self.restart()
        first.program.kill()
        second = self.application()
        second.must("rollback", "x")
        self.assertEqual([], self.content("status"))
        second.must("start", "y", "new")
        text, count = second("receive", "out").split()
        self.assertEqual("m1", text)
        self.assertGreaterEqual(int(count), 2, "the delivery that failed is counted")
        second.must("end", "y", "success")
        second.must("one-phase", "y")
        self.assertEqual(xa(NOTA), second("commit", "x"))

    def test_a_branch_that_is_not_prepared_is_gone_with_the_broker(self):
        first = self.application()
        first.idle("x")
        self.restart()
        self.assertEqual(xa(NOTA), first.until_known("prepare", "x"))
        self.assertEqual([], self.content("out"))

    def test_a_lost_link_is_told_as_such(self):
        first = self.application()
        first.must("start", "x", "new")
        first.must("send", "out", "never")
        self.daemon.kill()
        self.assertEqual(xa(RMFAIL), first("end", "x", "success"))
        self.assertEqual(xa(RMFAIL), first("prepare", "x"))
        self.assertEqual(xa(RMFAIL), first("recover"))
        self.daemon = self.start("--amqp", self.address)
        self.assertEqual(xa(NOTA), first.until_known("prepare", "x"))
        first.must("start", "y", "new")
        first.must("send", "out", "once")
        first.must("end", "y", "success")
        first.must("prepare", "y")
        self.daemon.kill()
        self.assertEqual(xa(RMFAIL), first("commit", "y"), "the library does not guess")
        self.daemon = self.start("--amqp", self.address)
        self.assertEqual("ok", first.until_known("commit", "y"))
        self.assertEqual(["once"], self.content("out"))

    def test_one_phase_and_read_only(self):
        first = self.application()
        first.idle("x")
        first.must("one-phase", "x")
        self.assertEqual("ok", first("commit", "x"), "it is remembered")
        first.must("start", "nothing", "new")
        first.must("end", "nothing", "success")
        self.assertEqual("read-only", first("prepare", "nothing"))
        self.assertEqual(xa(NOTA), first("commit", "nothing"))
        self.restart()
        self.assertEqual(["x"], self.content("out"))

    def test_two_connections_work_in_one_branch(self):
        first, second = self.application(), self.application()
        first.must("start", "x", "new")
        self.assertEqual(xa(DUPID), second("start", "x", "new"))
        second.must("start", "x", "join")
        first.must("send", "out", "1")
        second.must("send", "out", "2")
        first.must("end", "x", "success")
        self.assertEqual(xa(PROTO), first("prepare", "x"), "another one still works")
        second.must("end", "x", "success")
        first.must("prepare", "x")
        second.must("commit", "x")
        self.assertEqual(["1", "2"], sorted(self.content("out")))

    def test_suspend_and_resume(self):
        first, second = self.application(), self.application()
        first.must("start", "x", "new")
        first.must("send", "out", "1")
        first.must("end", "x", "suspend")
        first.must("start", "y", "new")
        first.must("send", "other", "y")
        first.must("end", "y", "success")
        first.must("start", "x", "resume")
        first.must("send", "out", "2")
        first.must("end", "x", "migrate")
        second.must("start", "x", "resume")
        second.must("send", "out", "3")
        second.must("end", "x", "success")
        self.assertEqual(xa(NOTA), first("end", "y", "success"))
        second.must("one-phase", "x")
        first.must("rollback", "y")
        self.assertEqual(["1", "2", "3"], self.content("out"))
        self.assertEqual([], self.content("other"))

    def test_an_application_that_is_killed_leaves_what_the_rules_say(self):
        active, idle, prepared, rescuer = (self.application() for _ in range(4))
        active.must("start", "active", "new")
        active.must("send", "out", "active")
        idle.idle("idle")
        prepared.prepared("prepared")
        for one in (active, idle, prepared):
            one.program.kill()
        self.wait_until(lambda: rescuer("prepare", "active") == xa(RBCOMMFAIL))
        rescuer.must("prepare", "idle")
        self.assertEqual("idle prepared", rescuer("recover"))
        rescuer.must("commit", "idle")
        rescuer.must("commit", "prepared")
        self.assertEqual(["idle", "prepared"], self.content("out"))

    def decide(self, xid, what):
        """An administrator's decision."""
        text = f"4711:{xid.encode().hex()}:{'branch'.encode().hex()}"
        answer = self.daemon.http("POST", f"/api/v1/transactions/{urllib.parse.quote(text)}/{what}", {"reason": "its log is lost"})
        self.assertLess(answer.status, 300, answer.body)

    def test_an_administrators_decision_is_told_until_it_is_forgotten(self):
        manager = self.application()
        manager.prepared("kept")
        manager.prepared("undone")
        self.decide("kept", "commit")
        self.decide("undone", "rollback")
        self.assertEqual(["kept"], self.content("out"))
        self.restart()
        self.assertEqual(xa(HEURRB), manager.until_known("commit", "undone"))
        self.assertEqual(xa(HEURCOM), manager("rollback", "kept"))
        self.assertEqual(xa(HEURCOM), manager("commit", "kept"), "also to who wanted just that")
        self.assertEqual("kept undone", manager("recover"))
        manager.must("forget", "kept")
        manager.must("forget", "undone")
        self.assertEqual("", manager("recover"))
        self.assertEqual(xa(NOTA), manager("forget", "kept"))
        self.assertEqual(["kept"], self.content("out"))

    def test_a_resource_manager_is_known_by_its_store(self):
        program = Program(self, CLIENT)
        first = Application(self, self.uri, program, "first")
        Application(self, self.uri, program, "second")
        self.assertEqual("yes", first("same", "second"))
        first.prepared("x")
        backup = os.path.join(self.folder, "backup.db")
        self.assertEqual(0, self.daemon.stop())
        self.assertEqual(0, self.run_program("--data", self.daemon.data, "--backup", backup).returncode)
        restored = os.path.join(self.folder, "restored")
        self.assertEqual(0, self.run_program("--data", restored, "--restore", backup).returncode)
        other = f"127.0.0.1:{free_port()}"
        self.daemon = self.start("--amqp", self.address)
        self.start("--amqp", other, data=restored)
        copy = Application(self, f"amqp://{other}", program, "copy")
        Application(self, self.uri, program, "third")
        self.assertEqual("x", copy("recover"), "its branches are in the copy")
        self.assertEqual("no", copy("same", "third"), "which is another resource manager")

    def test_kills_at_any_moment_of_two_phases_leave_every_transaction_whole(self):
        chance = random.Random(3)
        count = 40
        fill = self.application()
        fill.must("start", "fill", "new")
        for number in range(count):
            fill.must("send", "in", str(number))
        fill.must("end", "fill", "success")
        fill.must("one-phase", "fill")
        fill.program.kill()
        worker, decided, kills, round_number = self.application(), set(), 0, 0
        while self.content_is_left(worker):
            round_number += 1
            self.assertLess(round_number, 20 * count)
            xid = f"t{round_number}"
            kill_at = chance.choice((None, None, "send", "end", "prepare", "commit"))
            if self.move_one(worker, xid, kill_at, decided):
                kills += 1
            self.recover(decided)
        self.assertGreater(kills, 5)
        self.assertEqual([str(number) for number in range(count)], self.content("moved"))

    def content_is_left(self, worker):
        give_up_at = time.monotonic() + 30
        while worker("start", "look", "new") != "ok":
            self.assertLess(time.monotonic(), give_up_at)
            time.sleep(0.02)
        answer = worker("poll", "in")
        worker("end", "look", "fail")
        worker("rollback", "look")
        return answer != "none"

    def move_one(self, worker, xid, kill_at, decided):
        """One transaction; the broker may die behind the back of one of its calls. True if it did."""
        try:
            return self.carry_out(worker, xid, kill_at, decided)
        finally:
            worker("end", xid, "fail")

    def carry_out(self, worker, xid, kill_at, decided):
        process = self.daemon.process
        for words in (("start", xid, "new"), ("take",), ("send",), ("end", xid, "success"), ("prepare", xid), ("commit", xid)):
            if words[0] == kill_at:
                # Somewhere in the call that follows.
                killer = subprocess.Popen(["sh", "-c", f"sleep {random.random() * 0.004:.4f}; kill -9 {process.pid}"])
            if words[0] == "take":
                answer = worker("receive", "in")
                text = answer.split()[0]  # of a message, since only calls are killed
            elif words[0] == "send":
                answer = worker("send", "moved", text)
            else:
                answer = worker(*words)
            if words[0] == "prepare" and answer == "ok":
                decided.add(xid)
            if words[0] == kill_at:
                killer.wait()
                self.restart()
                return True
            if answer.startswith("XA") or answer.startswith("failed"):
                return False
        return False

    def recover(self, decided):
        """What a manager does: it commits what it has decided on, and rolls back the rest."""
        manager = self.application()
        for xid in manager("recover").split():
            manager.must("commit" if xid in decided else "rollback", xid)
        manager.program.kill()


class SwitchTest(BranchTest):
    """The same for managers that speak C."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("cc") is None:
            raise unittest.SkipTest("there is no C compiler")
        if not LIBRARY.exists():
            raise unittest.SkipTest(f"{LIBRARY} is not built")

    def build(self, *options):
        program = os.path.join(self.folder, "switch_client" + str(len(options)))
        command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-rdynamic", f"-I{INCLUDE}"]
        command += [str(HERE / "switch_client.c"), "-o", program, *options, "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        return program

    def linked(self):
        return self.build(f"-L{LIBRARY.parent}", "-lgiromq-xa", f"-Wl,-rpath,{LIBRARY.parent}")

    def loaded(self):
        return self.build("-DGIROMQ_XA_LOADED")

    def manager(self, program, kind="static", **options):
        more = "".join(f",{name}={value}" for name, value in options.items())
        return Program(self, program, LIBRARY, kind, f"url=amqp://{self.address}{more}")

    def must(self, manager, *lines):
        for line in lines:
            self.assertEqual("0", manager.ask(line), line)

    def test_two_phases_over_a_kill_linked_and_loaded(self):
        for program in (self.linked(), self.loaded()):
            with self.subTest(program):
                manager = self.manager(program)
                self.assertEqual(str(TMNOMIGRATE), manager.ask("flags"))
                self.must(manager, "open", "start fill new", "send in m", "end fill success", "commit fill one-phase")
                self.must(manager, "start x new")
                self.assertEqual("0 m", manager.ask("receive in"))
                self.must(manager, "send out done", "end x success", "prepare x")
                self.restart()
                self.wait_until(lambda: manager.ask("recover") == "1 x")
                manager.kill()
                again = self.manager(program)
                self.must(again, "open")
                self.assertEqual("1 x", again.ask("recover"))
                self.must(again, "commit x", "commit x")
                self.assertEqual("0", again.ask("recover"))
                self.must(again, "start y new")
                self.assertEqual("0 done", again.ask("receive out"))
                self.must(again, "end y success")
                self.must(again, "commit y one-phase", "close")
                # The other program starts branches of the same names.
                again.kill()
                self.daemon.kill()
                shutil.rmtree(self.daemon.data)
                self.daemon = self.start("--amqp", self.address)

    def test_the_dynamic_switch_registers_with_the_first_work(self):
        manager = self.manager(self.loaded(), "dynamic")
        self.assertEqual(str(TMREGISTER | TMNOMIGRATE), manager.ask("flags"))
        self.must(manager, "open", "begin x", "send out 1", "send out 2", "end x success", "prepare x", "commit x")
        # A transaction without work costs nothing, and leaves nothing.
        self.must(manager, "begin y", "done")
        self.assertEqual("0", manager.ask("recover"))
        self.assertEqual(str(RMERR), manager.ask("send out 3"), "there is no work outside of a transaction")
        self.must(manager, "close")
        self.assertEqual(["1", "2"], self.content("out"))

    def test_the_rules_of_threads_of_control(self):
        manager = self.manager(self.linked())
        self.assertEqual(str(PROTO), manager.ask("start x new"), "before xa_open")
        self.must(manager, "open", "open")
        self.assertEqual(str(PROTO), manager.ask("stranger x"), "another thread has not opened it")
        self.assertEqual(str(OUTSIDE), manager.ask("send out 1"))
        self.assertEqual(str(ASYNC), manager.ask("start x async"))
        self.must(manager, "start x new")
        self.assertEqual(str(PROTO), manager.ask("start y new"), "one association at a time")
        self.assertEqual(str(PROTO), manager.ask("close"), "with an association")
        self.must(manager, "send out 1", "end x suspend", "start y new", "send out 2", "end y success", "start x resume", "end x fail")
        self.assertEqual(str(RBROLLBACK), manager.ask("prepare x"))
        other = self.manager(self.linked())
        self.must(other, "open", "prepare y")
        self.must(manager, "commit y", "close", "close")
        self.assertEqual(["2"], self.content("out"))

    def test_a_broker_that_is_gone_is_a_failure_of_the_resource_manager(self):
        manager = self.manager(self.linked())
        self.must(manager, "open", "start x new", "send out 1", "end x success", "prepare x")
        self.daemon.kill()
        self.assertEqual(str(RMFAIL), manager.ask("commit x"))
        self.assertEqual(str(RMFAIL), manager.ask("recover"))
        self.daemon = self.start("--amqp", self.address)
        self.wait_until(lambda: manager.ask("commit x") == "0")
        self.assertEqual(["1"], self.content("out"))

    def test_a_library_that_is_loaded_drags_nothing_else_in(self):
        manager = self.manager(self.loaded())
        self.must(manager, "open")
        for symbol in ("pn_connection", "giromq_xa_switch", "SSL_new"):
            self.assertEqual("no", manager.ask(f"foreign {symbol}"), symbol)
        self.assertEqual("yes", manager.ask("foreign ax_reg"), "the check can see")


if __name__ == "__main__":
    if not CLIENT.exists():
        print(f"skipped: {CLIENT} is not built")
        sys.exit(SKIPPED)
    giromqd.main()
