"""The application, the transaction manager, the database or the network dies (27 to 47), and calls that race with what the broker does on
its own (48 to 52)."""

import json
import subprocess

from rows import not_applicable, row
from world import FULL_DISK, OK, ROLLED_BACK, TIMED_OUT, UNKNOWN, expect_equal, run_transfer, wait_until

# Applications: examples/xa-transfer, which coordinates its own transactions


def transfer_dies(world, point, in_doubt):
    """Something that is no order, and three orders; a worker dies in its second transaction. `in_doubt`: branches in the broker, in the
    ledger."""
    world.giromq("send", "transfers.in", "nonsense", "--property", "origin=nobody")
    database = f"{world.database.libpq} options='-csearch_path={world.name}'"
    world.database.query(f"CREATE SCHEMA {world.name}")
    def call(command, *arguments):
        return run_transfer(world, database, world.folder / "state", command, *arguments)
    for command, arguments in (("setup", ()), ("send", ("--count", 3))):
        code, output = call(command, *arguments)
        expect_equal(0, code, output)
    code, output = call("run", "--count", 3, "--branch-timeout", 2, "--die-at", f"{point}:2")
    expect_equal(-9, code, output)
    found = (len(world.in_doubt()), len(world.database.in_doubt()))
    expect_equal(in_doubt, found, "branches in doubt in the broker and in the ledger")
    code, output = call("run", "--count", 3)
    expect_equal(0, code, output)
    code, output = call("verify", "--count", 3)
    expect_equal(0, code, output)
    refused = [json.loads(line) for line in world.giromq("receive", "transfers.refused", "--count", "0", "--json")]
    found = [(one["text"], one["properties"]) for one in refused]
    expect_equal([("nonsense", {"origin": "nobody"})], found, "what nobody can carry out")
    world.check_store()


@row(27, "A", "active, before end")
def _(world):
    transfer_dies(world, "worked", (0, 0))


@row(28, "A", "after end, before prepare")
def _(world):
    transfer_dies(world, "ended", (0, 0))


@row(29, "A", "inside prepare: one is prepared, the other not")
def _(world):
    transfer_dies(world, "one-prepared", (0, 1))


@row(30, "A", "all are prepared, the decision is not logged")
def _(world):
    transfer_dies(world, "prepared", (1, 1))


@row(31, "A", "the decision is logged, no commit was sent")
def _(world):
    transfer_dies(world, "decided", (1, 1))


@row(32, "A", "the database has committed, the broker has not")
def _(world):
    transfer_dies(world, "one-committed", (1, 0))


@row(33, "A", "both have committed, the log is not cleaned")
def _(world):
    transfer_dies(world, "committed", (0, 0))


@row(34, "A", "killed, and resolved from another connection")
def _(world):
    world.prepare_both()
    world.driver.kill()
    world.drivers.remove(world.driver)
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


not_applicable(35, "A", "a pipeline, killed at random 1,000 times", "it is the storm (storm.py), of which the long run has 500 kills")


@row(36, "T", "before anything is logged")
def _(world):
    transfer_dies(world, "started", (0, 0))


@row(37, "T", "between prepares, with the broker restarted meanwhile")
def _(world):
    world.work()
    world.driver.do("end x")
    world.driver.do("prepare x")
    world.driver.kill()
    world.drivers.remove(world.driver)
    world.restart()
    world.check_in_doubt()
    world.recover(commit=False)
    world.check(done=False)


@row(38, "T", "after its decision, with the broker and the database restarted meanwhile")
def _(world):
    world.prepare_both()
    world.driver.kill()
    world.drivers.remove(world.driver)
    world.broker.kill()
    world.database.kill()
    world.database.start()
    world.start()
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


@row(39, "T", "after the commits, before its log is clean: everything is said again")
def _(world):
    world.prepare_both()
    world.driver.do("commit x")
    world.end_ledger("COMMIT")
    world.driver.kill()
    world.drivers.remove(world.driver)
    world.recover(commit=True)
    world.check(done=True)


@row(40, "T", "its log is lost: an administrator decides")
def _(world):
    world.prepare_both()
    world.restart()
    world.restart()
    world.check_in_doubt()  # nobody decides by himself
    world.decide("rollback", "the log of the manager is lost")
    expect_equal([("transaction.rollback", "the log of the manager is lost")], world.audited(), "the audit")
    world.end_ledger("ROLLBACK")
    world.decide("forget", "told the bank")
    world.check(done=False)


@row(41, "T", "down for long: other traffic flows")
def _(world):
    world.prepare_both()
    world.restart()
    world.giromq("send", "in", "later")
    expect_equal(["behind", "later"], world.giromq("receive", "in", "--count", "0"), "what others can receive")
    world.giromq("send", "in", "behind")
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


# The database


@row(42, "D", "after its prepare")
def _(world):
    world.prepare_both()
    world.database.kill()
    world.database.start()
    expect_equal([world.name], world.database.in_doubt(), "in doubt in the ledger")
    world.recover(commit=True)
    world.check(done=True)


@row(43, "D", "its commit is durable, the answer was lost")
def _(world):
    world.prepare_both()
    world.end_ledger("COMMIT")
    world.database.kill()
    world.database.start()
    world.recover(commit=True)
    world.check(done=True)


@row(44, "B+T", "together, after the decision")
def _(world):
    world.prepare_both()
    world.driver.kill()
    world.drivers.remove(world.driver)
    world.restart()
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


not_applicable(45, "all", "at random, and the power fails",
               "killed at random: the storm (storm.py). A power failure is simulated below the store, in tests/fault/power_loss_test.cpp")


# The network


@row(46, "net", "the connection breaks between prepare and commit")
def _(world):
    proxy = world.new_proxy()
    world.driver = world.new_driver(proxy.port)
    world.prepare_both()
    proxy.cut()
    world.check_in_doubt()
    world.driver.insist("commit x")
    world.recover(commit=True)
    world.check(done=True)


@row(47, "net", "a late commit of an application that was taken for dead")
def _(world):
    world.prepare_both()
    world.recover(commit=False)
    for _ in range(3):
        world.driver.fails("commit x", UNKNOWN)
    world.check(done=False, counted=2)


# What the broker does on its own


@row(48, "B", "the timeout of the branch and prepare, in both orders")
def _(world):
    world.driver.do("timeout 1")
    world.prepare_both()
    other = world.new_driver()
    other.do("timeout 1")
    other.do("start y")
    other.do("receive in 10000")
    other.do("end y")
    # When the branch has timed out its message is back. That of the prepared branch is not, although it is older.
    third = world.new_driver()
    third.do("start z")
    expect_equal("behind", third.do("receive in 20000").split(":")[0], "the message of the branch that timed out")
    third.do("end z")
    third.do("rollback z")
    other.fails("prepare y", TIMED_OUT)
    world.check_in_doubt()
    world.driver.do("commit x")
    world.end_ledger("COMMIT")
    world.check(done=True)


@row(49, "B", "the queues of a branch in doubt are purged, deleted and filled")
def _(world):
    world.giromq("queue", "create", "out", "--max-messages", "1")
    world.prepare_both()
    world.giromq("send", "out", "intruder", codes=(1,))  # the place is taken
    for queue in ("in", "out", "advice"):
        world.giromq("queue", "delete", queue, codes=(1,))
    world.giromq("queue", "purge", "in")
    expect_equal(["x"], world.in_doubt(), "in doubt")
    world.recover(commit=True)
    world.check(done=True, behind=False)


@row(50, "B", "the disk is full at prepare, and at commit")
def _(world):
    full = world.folder / "full"
    world.broker.stop()
    world.broker.environment = {"LD_PRELOAD": str(FULL_DISK), "GIROMQ_TEST_FULL_DISK": str(full)}
    world.broker.start()
    world.driver.insist("recover")
    world.work()
    world.driver.do("end x")
    full.touch()
    world.driver.fails("prepare x", ROLLED_BACK)
    full.unlink()
    wait_until(lambda: world.succeeds("send", "side", "1"), "there is room again")
    world.prepare_both()
    full.touch()
    # The decision is accepted, and answered when it is durable: until then the branch is in doubt.
    world.driver.begin("commit x")
    wait_until(lambda: "commit_refused" in world.broker.log.read_text(), "the disk refuses the commit")
    expect_equal(["x"], world.in_doubt(), "in doubt")
    world.check_in_doubt()
    full.unlink()
    expect_equal((OK, ""), world.driver.answer(), "the commit that has waited")
    world.end_ledger("COMMIT")
    world.check(done=True)


@row(51, "B", "an older backup is restored")
def _(world):
    status, answer = world.broker.rest("POST", "/api/v1/backup", {"file": "before"})
    expect_equal(200, status, f"the backup: {answer}")
    world.prepare_both()
    world.driver.do("commit x")
    world.end_ledger("COMMIT")
    world.broker.stop()
    data = world.folder / "restored"
    command = [world.broker.executable, "--restore", answer["path"], "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect_equal(0, done.returncode, done.stderr)
    world.broker.data = data
    world.broker.start()
    # Committed in the ledger, and unknown here: the manager hears that, and docs/operations/restore.md says what to do.
    world.driver.insist("commit x", UNKNOWN)
    expect_equal([], world.in_doubt(), "in doubt")
    world.check(done=False, ledger=False)


@row(52, "B", "two branches of one global transaction")
def _(world):
    for xid, text in (("g.1", "one"), ("g.2", "two")):
        world.driver.do(f"start {xid}")
        world.driver.do(f"send side {text}")
        world.driver.do(f"end {xid}")
        world.driver.do(f"prepare {xid}")
    world.restart()
    expect_equal(["g.1", "g.2"], world.in_doubt(), "both branches")
    world.driver.insist("commit g.2")
    expect_equal(["g.1"], world.in_doubt(), "the other branch")
    world.driver.do("rollback g.1")
    expect_equal(["two"], world.giromq("receive", "side", "--count", "0"), "what was committed")
    world.check(done=False, ledger=False)
