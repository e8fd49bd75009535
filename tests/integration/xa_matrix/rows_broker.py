"""The broker dies: before it has promised anything (1 to 8), with a promise (9 to 15), while it undoes or decides (16 to 23), and while it
recovers (24 to 26)."""

from rows import row
from world import HEURISTIC_COMMIT, OK, RM_FAIL, UNKNOWN, expect, expect_equal

# A call whose answer was lost with the broker, and one that found no broker.
LOST = (RM_FAIL,)


def nothing_was_promised(world):
    """The manager has heard of no prepare: it rolls back, and the broker knows of nothing."""
    expect_equal([], world.in_doubt(), "in doubt")
    world.recover(commit=False)
    world.check(done=False)


@row(1, "B", "after start, before the first operation")
def _(world):
    world.driver.do("start x")
    world.restart()
    world.driver.fails("end x", *LOST)
    nothing_was_promised(world)


@row(2, "B", "a put was received, and is in memory only")
def _(world):
    world.work()
    world.restart()
    world.driver.fails("end x", *LOST)
    nothing_was_promised(world)


@row(3, "B", "the chunks of a large put are in the store, and its branch is active")
def _(world):
    world.work(put_bytes=1_500_000)
    world.restart()
    world.driver.fails("end x", *LOST)
    nothing_was_promised(world)


@row(4, "B", "a get was delivered, and its outcome was not sent")
def _(world):
    world.driver.do("start x")
    world.driver.do("receive in 10000")
    world.restart()
    world.recover(commit=False)
    # It may have been with a consumer, and says so: that is what the delivery horizon is for.
    world.check(done=False, counted=2)


@row(5, "B", "a get was accepted in the branch, which is active")
def _(world):
    world.work()
    world.new_driver().do("recover")
    world.restart()
    nothing_was_promised(world)


@row(6, "B", "after end, before prepare")
def _(world):
    world.work()
    world.driver.do("end x")
    world.prepare_ledger()
    world.restart()
    world.driver.insist("prepare x", UNKNOWN)
    nothing_was_promised(world)


def dies_in_prepare(world, failpoint):
    world.arm(failpoint)
    world.work()
    world.driver.do("end x")
    world.prepare_ledger()
    world.driver.fails("prepare x", *LOST)
    world.die_and_return()


@row(7, "B", "prepare was received, before BEGIN")
def _(world):
    dies_in_prepare(world, "prepare.arrived")
    nothing_was_promised(world)


@row(8, "B", "prepare: rows written, before COMMIT")
def _(world):
    dies_in_prepare(world, "prepare.written")
    nothing_was_promised(world)


@row(9, "B", "prepare is durable, the answer was not sent")
def _(world):
    dies_in_prepare(world, "prepare.durable")
    world.check_in_doubt()
    world.recover(commit=False)
    world.check(done=False, counted=2)


@row(10, "B", "prepare was answered, the manager decides")
def _(world):
    world.prepare_both()
    world.broker.kill()
    world.start()
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


@row(11, "B", "all are prepared, the commit was not yet sent; killed again at once")
def _(world):
    world.prepare_both()
    world.restart()
    world.restart()
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


def dies_in_commit(world, failpoint, verb="commit"):
    world.arm(failpoint)
    world.prepare_both()
    world.driver.fails(f"{verb} x", *LOST)
    world.die_and_return()


@row(12, "B", "commit was received, before the store's COMMIT")
def _(world):
    dies_in_commit(world, "commit.arrived")
    world.check_in_doubt()
    world.driver.insist("commit x")
    world.recover(commit=True)
    world.check(done=True)


@row(13, "B", "commit is durable, the answer was not sent")
def _(world):
    dies_in_commit(world, "commit.durable")
    expect_equal([], world.in_doubt(), "in doubt")
    world.driver.insist("commit x", OK)
    world.recover(commit=True)
    world.check(done=True)


@row(14, "B", "commit was answered, before consumers could see anything")
def _(world):
    world.prepare_both()
    world.driver.do("commit x")
    world.restart()
    world.recover(commit=True)
    world.check(done=True)


@row(15, "B", "half a commit: all rows are written, none is durable")
def _(world):
    dies_in_commit(world, "commit.written")
    world.check_in_doubt()  # neither queue has a put, and the get is still locked
    world.recover(commit=True)
    world.check(done=True)  # both have theirs, and the get is gone


@row(16, "B", "rollback was received, before COMMIT")
def _(world):
    dies_in_commit(world, "rollback.written", "rollback")
    world.check_in_doubt()
    world.driver.insist("rollback x")
    world.recover(commit=False)
    world.check(done=False)


@row(17, "B", "rollback is durable, the answer was lost")
def _(world):
    dies_in_commit(world, "rollback.durable", "rollback")
    expect_equal([], world.in_doubt(), "in doubt")
    world.driver.insist("rollback x", OK, UNKNOWN)
    world.recover(commit=False)
    world.check(done=False, counted=2)


def dies_in_one_phase(world, failpoint):
    world.arm(failpoint)
    world.work()
    world.driver.do("end x")
    world.driver.fails("one-phase x", *LOST)
    world.die_and_return()


@row(18, "B", "one-phase commit, before COMMIT")
def _(world):
    dies_in_one_phase(world, "one-phase.written")
    world.driver.insist("commit x", UNKNOWN)
    world.check(done=False, ledger=False)


@row(19, "B", "one-phase commit is durable, the answer was lost")
def _(world):
    dies_in_one_phase(world, "one-phase.durable")
    world.driver.insist("commit x", OK)  # as managers do: in two phases, although it was never prepared
    world.driver.insist("one-phase x", OK)
    world.check(done=True, ledger=False)


def dies_in_decision(world, failpoint):
    world.arm(failpoint)
    world.prepare_both()
    world.decide("commit", "its manager is gone", may_die=True)
    world.die_and_return()


@row(20, "B", "an administrator commits, before COMMIT")
def _(world):
    dies_in_decision(world, "heuristic.written")
    expect_equal([], world.audited(), "the audit")
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)


@row(21, "B", "an administrator's commit is durable")
def _(world):
    dies_in_decision(world, "heuristic.durable")
    expect_equal([("transaction.commit", "its manager is gone")], world.audited(), "the audit")
    driver = world.new_driver()
    expect_equal(["x"], world.in_doubt(driver), "a decision stays until it is forgotten")
    for call in ("rollback x", "commit x", "rollback x"):
        driver.fails(call, HEURISTIC_COMMIT)
    world.restart()
    driver.insist("commit x", HEURISTIC_COMMIT)
    driver.do("forget x")
    driver.fails("forget x", UNKNOWN)
    world.end_ledger("COMMIT")
    world.check(done=True)


def dies_in_forget(world, failpoint):
    world.arm(failpoint)
    world.prepare_both()
    world.decide("commit", "its manager is gone")
    world.end_ledger("COMMIT")
    world.driver.fails("commit x", HEURISTIC_COMMIT)
    world.driver.fails("forget x", *LOST)
    world.die_and_return()


@row(22, "B", "forget, before COMMIT")
def _(world):
    dies_in_forget(world, "forget.written")
    expect_equal(["x"], world.in_doubt(), "in doubt")
    world.driver.insist("forget x")
    world.check(done=True)


@row(23, "B", "forget is durable, the answer was lost")
def _(world):
    dies_in_forget(world, "forget.durable")
    expect_equal([], world.in_doubt(), "in doubt")
    world.driver.insist("forget x", UNKNOWN)
    world.check(done=True)


def prepare_puts(world, names):
    for name in names:
        world.driver.do(f"start {name}")
        world.driver.do(f"send side {name}")
        world.driver.do(f"end {name}")
        world.driver.do(f"prepare {name}")
    return sorted(names)


def resolve_puts(world, names):
    driver = world.new_driver()
    for name in names:
        driver.insist(f"commit {name}")
    found = sorted(one.split(":")[0] for one in driver.do("drain side").split())
    expect_equal(sorted(names), found, "messages of the committed branches")


@row(24, "B", "while xa_recover pages")
def _(world):
    names = prepare_puts(world, [f"p{number}" for number in range(7)])
    driver = world.new_driver()
    first = driver.do("recover start 3").split()
    world.restart()
    driver.fails("recover more 3", RM_FAIL, -5)
    driver.insist("recover")
    pages, page = [], driver.do("recover start 3").split()
    while page:
        pages += page
        page = driver.do("recover more 3").split()
    expect_equal(names, sorted(pages), "XIDs of the new scan: none twice, none missing")
    expect(set(first) <= set(names), "XIDs of the broken scan")
    resolve_puts(world, names)
    world.check(done=False, ledger=False)


@row(25, "B", "during its own recovery, twice")
def _(world):
    names = prepare_puts(world, ["p1", "p2", "p3"])
    world.prepare_both()
    world.broker.kill()
    for failpoint in ("recovery.branch:2", "recovery.branch:4"):
        world.start_armed(failpoint)
        world.await_death()
    world.start()
    world.check_in_doubt([*names, "x"])
    resolve_puts(world, names)
    world.recover(commit=True)
    world.check(done=True)


@row(26, "B", "while the log is copied into the file, with branches in doubt")
def _(world):
    world.prepare_both()
    for failpoint in ("checkpoint.begun", "checkpoint.done", "checkpoint.begun:2", "checkpoint.done:2"):
        # The first is that of the start, the second that of an idle store.
        world.broker.kill()
        world.start_armed(failpoint)
        world.await_death()
    world.start()
    world.check_in_doubt()
    world.recover(commit=True)
    world.check(done=True)
