"""What a row of the crash matrix is played with: a broker, a ledger in PostgreSQL, a driver that calls the broker as a transaction manager
does, and the invariants that are checked from outside."""

import json
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "interop")]

from broker import Broker, build_folder, program  # noqa: E402
from postgresql import PostgreSql  # noqa: E402

DRIVER = program("giromq_test_xa_driver")
TRANSFER = program("giromq-xa-transfer")
FULL_DISK = build_folder() / "lib" / "libgiromq_test_full_disk.so"
OK, HEURISTIC_COMMIT, ROLLED_BACK, TIMED_OUT = 0, 7, 100, 106
UNKNOWN, RM_FAIL = -4, -7
PATIENCE_SECONDS = 60


class Failure(AssertionError):
    pass


def expect(condition, what):
    if not condition:
        raise Failure(what)


def expect_equal(expected, found, what):
    expect(expected == found, f"{what}: expected {expected!r}, found {found!r}")


def wait_until(condition, what):
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        expect(time.monotonic() < give_up_at, f"it did not come about: {what}")
        time.sleep(0.02)


class Driver:
    """A process that calls the broker (driver.cpp)."""

    def __init__(self, port):
        options = "reconnect.delay-ms=20&reconnect.max-delay-ms=100&connect.attempts=50&request-timeout-ms=15000&prefetch=0"
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", DRIVER, f"amqp://127.0.0.1:{port}?{options}"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        expect_equal("ready\n", self.process.stdout.readline(), "the driver")

    def begin(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        """(code, text): the code of XA, or None for another error."""
        answer = self.process.stdout.readline().rstrip("\n")
        kind, _, rest = answer.partition(" ")
        if kind == "ok":
            return OK, rest
        if kind == "code":
            code, _, text = rest.partition(" ")
            return int(code), text
        expect(kind == "error", "the driver has ended")
        return None, rest

    def ask(self, line):
        self.begin(line)
        return self.answer()

    def do(self, line):
        code, text = self.ask(line)
        expect(code == OK, f"{line!r}: {code} {text}")
        return text

    def fails(self, line, *codes):
        code, text = self.ask(line)
        expect(code in codes, f"{line!r}: expected one of {codes}, heard {code} {text}")
        return code

    def insist(self, line, *codes):
        """Makes the call again, as a manager does, while the broker is out of reach."""
        answers = []

        def is_answered():
            answers.append(self.ask(line))
            return answers[-1][0] not in (RM_FAIL, None)

        wait_until(is_answered, line)
        code, text = answers[-1]
        expect(code in (codes or (OK,)), f"{line!r}: expected {codes or (OK,)}, heard {code} {text}")
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Proxy:
    """Between a driver and the broker: `cut` breaks every connection, and no process dies."""

    def __init__(self, port):
        self.target, self.sockets, self.is_open = port, [], True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def cut(self):
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.sockets.clear()

    def close(self):
        self.listener.close()
        self.cut()


class World:
    """The stage of one row. Orders "k" and "behind" wait in the queue "in"; carried out, k is booked in the ledger, a receipt is in "out"
    and an advice in "advice". The database is the same for all rows; each books an id of its own."""

    def __init__(self, database, row):
        self.database, self.name = database, f"r{row}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="giromq-matrix-"))
        self.broker = Broker(folder=self.folder)
        self.drivers = []
        self.proxies = []
        self.driver = None

    def open(self):
        self.broker.start()
        self.driver = self.new_driver()
        self.giromq("send", "in", "--lines", text="k\nbehind\n")

    def close(self):
        # What a row that failed has left would hold up all others.
        self.database.start()
        for name in self.database.in_doubt():
            self.database.query(f"ROLLBACK PREPARED '{name}'")
        for one in (*self.drivers, *self.proxies):
            one.kill() if isinstance(one, Driver) else one.close()
        self.broker.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_driver(self, port=None):
        self.drivers.append(Driver(port or self.broker.port))
        return self.drivers[-1]

    def new_proxy(self):
        self.proxies.append(Proxy(self.broker.port))
        return self.proxies[-1]

    # The broker

    def restart(self):
        self.broker.kill()
        self.start()

    def start(self):
        self.broker.environment = {}
        self.broker.arguments = ["--dev"]
        self.broker.start()

    def arm(self, failpoint):
        """From now on the broker dies there. It is stopped and started for it, in order."""
        self.broker.stop()
        self.driver.kill()
        self.drivers.remove(self.driver)
        self.start_armed(failpoint)
        self.broker.wait_until_ready()
        self.driver = self.new_driver()

    def start_armed(self, failpoint):
        self.broker.environment = {"GIROMQ_FAILPOINT": failpoint}
        self.broker.arguments = ["--dev", "--allow-failpoints"]
        self.broker.spawn()

    def await_death(self):
        code = self.broker.process.wait(PATIENCE_SECONDS)
        expect_equal(-9, code, "the broker did not die at its failpoint, but")

    def die_and_return(self):
        self.await_death()
        self.start()

    def giromq(self, *arguments, text=None, codes=(0, 3)):
        command = [program("giromq"), "--url", self.broker.url, "--http", f"http://127.0.0.1:{self.broker.http_port}", "--yes", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        expect(done.returncode in codes, f"{arguments}: exit code {done.returncode}: {done.stderr}")
        return done.stdout.splitlines()

    def succeeds(self, *arguments):
        try:
            self.giromq(*arguments, codes=(0,))
            return True
        except Failure:
            return False

    def listed(self):
        """What an administrator sees in doubt."""
        return [json.loads(line) for line in self.giromq("xa", "list", "--json")]

    def decide(self, verb, reason, may_die=False):
        branches = self.listed()
        expect_equal(1, len(branches), "branches in doubt")
        self.giromq("xa", verb, branches[0]["xid"], "--reason", reason, codes=(0, 1) if may_die else (0,))

    def audited(self):
        with sqlite3.connect(f"file:{self.broker.data}/giromq.db?mode=ro", uri=True) as store:
            return store.execute("SELECT action, reason FROM audit WHERE action LIKE 'transaction.%' ORDER BY rowid").fetchall()

    # The ledger's branch

    def prepare_ledger(self):
        self.database.query(f"BEGIN; INSERT INTO booked VALUES ('{self.name}'); UPDATE account SET balance = balance - 1 WHERE id = 'A'; "
                            f"UPDATE account SET balance = balance + 1 WHERE id = 'B'; PREPARE TRANSACTION '{self.name}'")

    def end_ledger(self, verb):
        """COMMIT or ROLLBACK. That it is not there (any more) is no fault when a call is repeated."""
        if self.name in self.database.in_doubt():
            self.database.query(f"{verb} PREPARED '{self.name}'")

    def is_booked(self):
        return self.database.query(f"SELECT 1 FROM booked WHERE id = '{self.name}'") == ["1"]

    # Global transactions, step by step

    def work(self, xid="x", put_bytes=""):
        """start, receive, two sends."""
        self.driver.do(f"start {xid}")
        got = self.driver.do("receive in 10000")
        expect(got.startswith("k:"), f"received {got} and not the first order")
        self.driver.do(f"send out {self.name} {put_bytes}")
        self.driver.do(f"send advice {self.name} 0 advice-{self.name}")
        return xid

    def prepare_both(self, xid="x"):
        self.work(xid)
        self.driver.do(f"end {xid}")
        self.prepare_ledger()
        self.driver.do(f"prepare {xid}")
        return xid

    def in_doubt(self, driver=None):
        return sorted((driver or self.new_driver()).do("recover").split())

    def recover(self, commit):
        """I7: a manager that returns: whatever is in doubt gets its decision, on a new connection. Thrice more, which changes nothing."""
        driver = self.new_driver()
        for xid in self.in_doubt(driver) or ["x"]:
            # Of what is not in doubt a manager that returns knows nothing, or it repeats itself.
            for _ in range(4):
                driver.insist(f"{'commit' if commit else 'rollback'} {xid}", OK, UNKNOWN)
        self.end_ledger("COMMIT" if commit else "ROLLBACK")
        driver.kill()
        self.drivers.remove(driver)

    # The invariants

    def check_in_doubt(self, xids=("x",)):
        """I4: what is put is invisible, what is got is locked, and others go on."""
        driver = self.new_driver()
        expect_equal(sorted(xids), self.in_doubt(driver), "in doubt")
        expect_equal(len(xids), len(self.listed()), "branches that an administrator sees")
        expect_equal([], self.giromq("browse", "out"), "a put of a branch in doubt is visible")
        driver.do("start peek")
        expect_equal("behind", driver.do("receive in 10000").split(":")[0], "the message behind the locked one")
        expect_equal("-", driver.do("receive in 0"), "a message that a branch in doubt has got")
        driver.do("end peek")
        driver.do("rollback peek")
        driver.kill()
        self.drivers.remove(driver)

    def check(self, done, ledger=True, counted=None, behind=True):
        """I1, I2, I3, I5 and I6, once nothing is in doubt any more. `counted`: the delivery count that the order must have at least
        if it is back; a crash may raise it once more."""
        driver = self.new_driver()
        expect_equal([], self.in_doubt(driver), "in doubt in the broker")
        expect(self.name not in self.database.in_doubt(), "in doubt in the ledger")
        for queue in ("out", "advice"):
            found = [one.split(":")[0] for one in driver.do(f"drain {queue}").split()]
            expect_equal([self.name] if done else [], found, f"messages in {queue}")
        # The id of the advice is taken with the commit, and given back by everything else.
        self.giromq("send", "advice", "again", "--duplicate-id", f"advice-{self.name}")
        expect_equal("" if done else "again:1", driver.do("drain advice"), "an advice that is sent again with its id")
        orders = [tuple(one.split(":")) for one in driver.do("drain in").split()]
        expected = ([] if done else ["k"]) + (["behind"] if behind else [])
        expect_equal(expected, [text for text, _ in orders], "orders, in their order")
        if counted is not None:
            expect(int(orders[0][1]) >= counted, f"the order that is back has the delivery count {orders[0][1]}, not {counted} or more")
        if ledger:
            expect_equal(done, self.is_booked(), "booked in the ledger")
        self.check_money()
        driver.kill()
        self.drivers.remove(driver)
        self.check_store()

    def check_money(self):
        balances = self.database.query("SELECT balance FROM account ORDER BY id")
        booked = int(self.database.query("SELECT count(*) FROM booked")[0])
        expect_equal([str(1000 - booked), str(1000 + booked)], balances, "balances")

    def check_store(self):
        expect_equal(0, self.broker.stop(), "exit code of the broker")
        code, output = self.broker.check()
        expect_equal(0, code, f"giromqd --check: {output}")


def make_ledger(folder):
    database = PostgreSql(folder).start()
    database.query("CREATE TABLE account (id text PRIMARY KEY, balance bigint NOT NULL)")
    database.query("CREATE TABLE booked (id text PRIMARY KEY)")
    database.query("INSERT INTO account VALUES ('A', 1000), ('B', 1000)")
    return database


def run_transfer(world_or_uri, database, state, command, *arguments, seconds=PATIENCE_SECONDS):
    """examples/xa-transfer, to its end: (exit code, output)."""
    uri = world_or_uri if isinstance(world_or_uri, str) else world_or_uri.broker.url
    line = ["setpriv", "--pdeathsig", "KILL", TRANSFER, command, "--uri", uri, "--database", database, *map(str, arguments)]
    if command == "run":
        line += ["--state", str(state)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout + done.stderr


def long_run():
    return os.environ.get("GIROMQ_TEST_LONG") == "1"
