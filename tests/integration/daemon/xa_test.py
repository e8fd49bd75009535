"""Branches in doubt in a running giromqd: shown, decided on and forgotten over REST and `giromq xa`; kept over kill -9; in the audit."""

import json
import os
import sqlite3
import subprocess
import urllib.request

import giromqd
from cli_test import DONE, FAILED, NOTHING, ToolTest

MAKER = os.path.join(os.path.dirname(giromqd.PROGRAM), "giromq_test_in_doubt")
XML = """<giromq xmlns="urn:giromq:config:1">
  <amqp><listener host="127.0.0.1" port="0" mechanisms="anonymous"/></amqp>
  <sasl anonymous-role="administrator"/>
  <core in-doubt-alarm="1s"/>
</giromq>"""


def xid(number):
    return f"1:{f'transfer-{number}'.encode().hex()}:{'giromq'.encode().hex()}"


class InDoubtTest(ToolTest):
    def make(self, branches):
        data = os.path.join(self.folder, "data")
        subprocess.run([MAKER, data, str(branches)], check=True, timeout=120)
        return data

    def listed(self, daemon):
        out, _ = self.tool(daemon, "--json", "xa", "list")
        return {branch["xid"]: branch for branch in map(json.loads, out.splitlines())}

    def metric(self, daemon, name):
        with urllib.request.urlopen(f"http://{daemon.address['http']}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])

    def texts(self, daemon, queue):
        """What can be browsed there."""
        out, _ = self.tool(daemon, "--json", "browse", queue, code=None)
        return [json.loads(line)["messageId"].rsplit(":", 1)[-1] for line in out.splitlines()]

    def tool(self, daemon, *arguments, code=DONE, text=None):
        if code is not None:
            return super().tool(daemon, *arguments, code=code, text=text)
        done = subprocess.run([giromqd.PROGRAM[:-1], *self.addresses(daemon), *arguments], capture_output=True, text=True, timeout=120,
                              check=False)
        self.assertIn(done.returncode, (DONE, NOTHING), done.stderr)
        return done.stdout, done.stderr

    def test_what_is_in_doubt_is_shown_with_its_messages_and_locked(self):
        self.make(3)
        daemon = self.start()
        branches = self.listed(daemon)
        self.assertEqual({xid(0), xid(1), xid(2)}, set(branches))
        self.assertEqual([{"name": "given", "puts": 1, "gets": 0}, {"name": "taken", "puts": 0, "gets": 1}],
                         branches[xid(1)]["destinations"])
        self.assertEqual(("prepared", "teller"), (branches[xid(1)]["state"], branches[xid(1)]["owner"]))
        out, _ = self.tool(daemon, "xa", "show", xid(1))
        self.assertRegex(out, r"put given +given-1")
        self.assertRegex(out, r"get taken +taken-1")
        self.assertEqual(3, self.metric(daemon, "giromq_transactions_in_doubt"))
        self.assertGreater(self.metric(daemon, "giromq_transactions_in_doubt_oldest_age_seconds"), 0)
        self.assertEqual(0, self.metric(daemon, "giromq_transactions_in_doubt_alarms_total"))
        for queue in ("taken", "given"):
            self.assertEqual([], self.texts(daemon, queue))
            _, errors = self.tool(daemon, "--yes", "queue", "delete", queue, code=FAILED)
            self.assertIn("prepared transactions", errors)
        self.tool(daemon, "--yes", "queue", "purge", "taken")
        self.assertEqual(3, len(self.listed(daemon)))

    def test_decisions_are_carried_out_kept_and_in_the_audit(self):
        data = self.make(3)
        daemon = self.start()
        self.tool(daemon, "--yes", "xa", "commit", xid(0), "--reason", "the ledger has it")
        self.tool(daemon, "--yes", "xa", "rollback", xid(1), "--reason", "the ledger has it not")
        _, errors = self.tool(daemon, "--yes", "xa", "forget", xid(2), "--reason", "too early", code=FAILED)
        self.assertIn("prepared", errors)
        daemon.kill()
        daemon = self.start()
        self.assertEqual(["given-0"], self.texts(daemon, "given"))
        self.assertEqual(["taken-1"], self.texts(daemon, "taken"))
        branches = self.listed(daemon)
        self.assertEqual(("heuristically-committed", "the ledger has it"), (branches[xid(0)]["state"], branches[xid(0)]["reason"]))
        self.assertEqual("heuristically-rolled-back", branches[xid(1)]["state"])
        self.assertEqual("prepared", branches[xid(2)]["state"])
        _, errors = self.tool(daemon, "--yes", "xa", "rollback", xid(0), "--reason", "no, after all", code=FAILED)
        self.assertIn("decided", errors)
        self.tool(daemon, "--yes", "xa", "forget", xid(0), "--reason", "everybody knows")
        self.assertEqual({xid(1), xid(2)}, set(self.listed(daemon)))
        daemon.stop()
        with sqlite3.connect(os.path.join(data, "giromq.db")) as store:
            lines = store.execute("SELECT action, subject, reason FROM audit WHERE action LIKE 'transaction.%' ORDER BY rowid").fetchall()
            actors = {actor for (actor,) in store.execute("SELECT actor FROM audit WHERE action LIKE 'transaction.%'")}
        self.assertEqual([("transaction.commit", xid(0), "the ledger has it"), ("transaction.rollback", xid(1), "the ledger has it not"),
                          ("transaction.forget", xid(0), "everybody knows")], lines)
        self.assertNotIn("", actors)
        self.assertEqual(0, self.run_program("--check", "--data", data).returncode)

    def test_an_alarm_is_raised_for_what_is_in_doubt_for_long(self):
        self.make(2)
        daemon = self.start("--config", self.file("giromq.xml", XML), dev=False)
        daemon.wait_for_log("transactions_in_doubt count=2")


if __name__ == "__main__":
    giromqd.main()
