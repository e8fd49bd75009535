"""The command `giromq` against a running giromqd: what it prints, asks and ends with, logins, and TLS."""

import http.server
import json
import os
import pty
import re
import select
import subprocess
import threading
import time
import urllib.parse

import giromqd

TOOL = os.path.join(os.path.dirname(giromqd.PROGRAM), "giromq")
DONE, FAILED, WRONG_CALL, NOTHING, DIFFERS = 0, 1, 2, 3, 4
COMMANDS = [[], ["send"], ["receive"], ["browse"], ["queue"], ["queue", "list"], ["queue", "create"], ["queue", "delete"],
            ["queue", "purge"], ["user"], ["user", "list"], ["user", "add"], ["user", "passwd"], ["user", "remove"], ["xa", "list"],
            ["audit"], ["audit", "list"], ["audit", "verify"],
            ["selector"], ["selector", "check"], ["selector", "convert"], ["selector", "explain"], ["selector", "test"],
            ["selector", "list"], ["selector", "show"], ["selector", "set"], ["selector", "delete"],
            ["config"], ["config", "export"], ["config", "diff"], ["config", "apply"], ["config", "reload"], ["connection"],
            ["connection", "list"], ["connection", "show"], ["connection", "close"], ["consumer", "list"], ["consumer", "close"],
            ["producer", "list"], ["producer", "close"], ["status"], ["alarms"], ["certificates"], ["history"], ["backup"],
            ["user", "role"], ["user", "roles"], ["password"], ["xa", "show"], ["xa", "commit"], ["xa", "rollback"], ["xa", "forget"]]


class ToolTest(giromqd.DaemonTest):
    def addresses(self, daemon):
        amqp = "amqps" if "amqps" in daemon.address else "amqp"
        http = "https" if "https" in daemon.address else "http"
        return ["--url", f"{amqp}://{daemon.address[amqp]}", "--http", f"{http}://{daemon.address[http]}"]

    def tool(self, daemon, *arguments, code=DONE, text=None):
        """Standard output and errors of a call that must end with `code`."""
        command = [TOOL, *(self.addresses(daemon) if daemon else []), *arguments]
        done = subprocess.run(command, input=text if text is not None else "", capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(code, done.returncode, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def on_a_terminal(self, daemon, *arguments, answers=()):
        """What a person sees, who answers each question (a pattern, an answer) in turn, and the exit code."""
        process, terminal = pty.fork()
        if process == 0:
            os.execv(TOOL, [TOOL, *self.addresses(daemon), *arguments])
        seen, waiting = "", list(answers)
        give_up_at = time.monotonic() + 60
        while time.monotonic() < give_up_at:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # its end, on Linux
                piece = b""
            if not piece:
                break
            seen += piece.decode(errors="replace")
            if waiting and re.search(waiting[0][0], seen):
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
        os.close(terminal)
        return seen, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


class CallTest(ToolTest):
    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            out, _ = self.tool(None, *command, "--help")
            self.assertIn("Usage: giromq", out)
        out, _ = self.tool(None, "--version")
        self.assertRegex(out, r"^giromq \d+\.\d+\.\d+\n$")

    def test_wrong_calls_are_told_from_failures(self):
        for arguments in ([], ["nonsense"], ["send"], ["send", "q"], ["send", "q", "x", "--count", "0"],
                          ["send", "q", "x", "--priority", "10"],
                          ["send", "q", "x", "--property", "novalue"], ["receive", "q", "--timeout", "-1"], ["queue"],
                          ["queue", "create", "q", "--overflow", "drop"], ["user", "add", "u", "--role", "god"]):
            _, errors = self.tool(self.running(), *arguments, code=WRONG_CALL)
            self.assertTrue(errors.strip(), arguments)

    def running(self):
        if not hasattr(self, "daemon"):
            self.daemon = self.start()
        return self.daemon

    def test_a_broker_that_is_not_there_is_named(self):
        for arguments in (["--url", "amqp://127.0.0.1:1", "send", "q", "x"], ["--http", "http://127.0.0.1:1", "queue", "list"]):
            _, errors = self.tool(None, *arguments, code=FAILED)
            self.assertIn("127.0.0.1:1", errors)
            self.assertIn("Check that", errors)

    def test_secrets_are_refused_on_the_command_line(self):
        for arguments in (["--url", "amqp://alice:secret@127.0.0.1", "send", "q", "x"],
                          ["--http", "http://alice:secret@127.0.0.1:8161", "queue", "list"]):
            _, errors = self.tool(None, *arguments, code=WRONG_CALL)
            self.assertIn("--password-file", errors)
            self.assertNotIn("secret", errors)


class SelectorTest(ToolTest):
    XML = '<selector xmlns="urn:giromq:selector:1"><eq><property name="colour"/><string v="red"/></eq></selector>'

    def test_a_selector_is_checked_without_a_broker(self):
        for selector in ("colour = 'red'", self.XML, "JMS_GIROMQ_XML = '" + self.XML + "'"):
            self.assertEqual("The selector is right.\n", self.tool(None, "selector", "check", selector)[0])
        out, _ = self.tool(None, "selector", "check", "--json", "--file", "-", text=self.XML)
        self.assertEqual({"valid": True, "sql": "colour = 'red'"}, json.loads(out))

    def test_what_is_wrong_with_a_selector_is_pointed_at(self):
        _, errors = self.tool(None, "selector", "check", "--file", "-", text="größe = 1 AND\n\tx\u20ac = NULL\n", code=FAILED)
        self.assertIn("line 2, column 7: ", errors)
        _, errors = self.tool(None, "selector", "check", "--file", "-", text="größe = 1 AND\nnaïve = NULL\n", code=FAILED)
        self.assertIn("line 2, column 9: NULL cannot be compared", errors)
        self.assertTrue(errors.endswith("\n    naïve = NULL\n            ^\n"), errors)
        _, errors = self.tool(None, "selector", "check", "a = 1 OR " * 30 + "b = NULL", code=FAILED)
        line, mark = errors.splitlines()[-2:]
        self.assertTrue(line.endswith(" b = NULL"), line)
        self.assertLess(len(line), 130)
        self.assertEqual("NULL", line[mark.index("^"):])
        out, _ = self.tool(None, "selector", "check", "--json", "a = NULL", code=FAILED)
        answer = json.loads(out)
        self.assertEqual((False, 1, 5), (answer["valid"], answer["line"], answer["column"]))
        self.assertIn("NULL cannot be compared", answer["reason"])
        _, errors = self.tool(None, "selector", "check", "JMS_GIROMQ_XML = '<selector/>'", code=FAILED)
        self.assertIn("of the XML in it", errors)
        self.assertNotIn("^", errors)

    def test_a_selector_is_converted_both_ways(self):
        xml, _ = self.tool(None, "selector", "convert", "colour = 'red'")
        self.assertIn('<property name="colour"/>', xml)
        self.assertEqual("colour = 'red'\n", self.tool(None, "selector", "convert", "--file", "-", text=xml)[0])
        self.assertEqual(xml, self.tool(None, "selector", "convert", "--to", "xml", self.XML)[0])
        self.assertEqual("a = 1\n", self.tool(None, "selector", "convert", "--to", "sql", "(a=1)")[0])
        _, errors = self.tool(None, "selector", "convert", "a =", code=FAILED)
        self.assertIn("line 1, column 4", errors)

    def test_a_selector_is_explained(self):
        out, _ = self.tool(None, "selector", "explain", "colour = 'red' AND NOT (size > 4)")
        self.assertIn("AND: all of these\n  colour = 'red'\n      the property colour equals the string 'red'\n      by an index\n", out)
        self.assertIn("  NOT: this is false\n    size > 4\n", out)
        _, errors = self.tool(None, "selector", "explain", "colour = NULL", code=FAILED)
        self.assertIn("line 1, column 10", errors)

    def test_a_selector_is_tested_on_messages(self):
        large = {"type": "pacs.008", "priority": 7, "deliveryMode": "non-persistent", "timestamp": 5, "deliveryCount": 2,
                 "messageId": "ID:1", "correlationId": "c", "destination": "q", "redelivered": True,
                 "properties": {"currency": "EUR", "cents": 1000, "rate": 1.5, "urgent": True}, "text": "<Amt>10.00</Amt>"}
        small = {"properties": {"currency": "CHF"}, "base64": "eyJhIjogMX0="}
        everything = ("currency = 'EUR' AND cents = 1000 AND rate = 1.5 AND urgent AND DECIMAL(XPATH('Amt')) = 10 AND JMSType = 'pacs.008' "
                      "AND JMSPriority = 7 AND JMSDeliveryMode = 'NON_PERSISTENT' AND JMSTimestamp = 5 AND JMSXDeliveryCount = 2 "
                      "AND JMSMessageID = 'ID:1' AND JMSCorrelationID = 'c'")
        for selector, messages, said, code in (
                (everything, [large], "TRUE\n", 0), ("currency = 'CHF'", [large], "FALSE\n", 1), ("x = 1", [large], "UNKNOWN\n", 1),
                ("JSON('/a') = 1 AND JMSType IS NULL", [small], "TRUE\n", 0),
                ("currency = 'EUR'", [small, large, {}], "FALSE\nTRUE\nUNKNOWN\n", 0)):
            lines = "\n".join(json.dumps(message, indent=2) for message in messages)
            self.assertEqual(said, self.tool(None, "selector", "test", selector, "--message", "-", text=lines, code=code)[0], selector)
        out, _ = self.tool(None, "selector", "test", "x = 1", "--json", "--message", "-", text=json.dumps(large), code=1)
        self.assertEqual({"truth": "UNKNOWN", "overBudget": False}, json.loads(out))

    def test_what_a_broker_shows_can_be_tested(self):
        daemon = self.start()
        self.tool(daemon, "send", "q", '{"a": 1}', "--property", "colour=red", "--property", "size:int=4", "--priority", "7")
        self.tool(daemon, "send", "q", "bytes", "--bytes", "--property", "colour=green")
        shown, _ = self.tool(daemon, "browse", "q", "--count", "2", "--json")
        for selector, said in (("JSON('/a') = 1 AND size = 4", "TRUE\nUNKNOWN\n"), ("colour = 'red'", "TRUE\nFALSE\n")):
            self.assertEqual(said, self.tool(None, "selector", "test", selector, "--message", "-", text=shown)[0])

    def test_messages_that_are_none_are_told_from_messages_that_are_not_selected(self):
        for text, reason in (("", "There is no message"), ("{", "Message 1 cannot be read: It is not JSON"), ("[]", "a JSON object"),
                             ("{}\n{\"txt\": 1}", "Message 2 cannot be read: 'txt' is no part of a message"),
                             ('{"priority": 10}', "from 0 to 9"), ('{"text": 1}', "has to be a string"),
                             ('{"text": "a", "base64": "YQ=="}', "one body"), ('{"base64": "?"}', "in Base64"),
                             ('{"properties": {"a": []}}', "The property 'a'"), ('{"deliveryMode": "x"}', "non-persistent")):
            _, errors = self.tool(None, "selector", "test", "a = 1", "--message", "-", text=text, code=WRONG_CALL)
            self.assertIn(reason, errors)
        self.tool(None, "selector", "test", "a = NULL", "--message", "-", text="{}", code=WRONG_CALL)
        self.tool(None, "selector", "test", "--file", "-", "--message", "-", text="{}", code=WRONG_CALL)

    def test_selectors_are_stored_under_names(self):
        daemon = self.start()
        name = "JMS_GIROMQ_SELECTOR = 'reds'"
        self.tool(daemon, "send", "q", "a", "--property", "colour=red")
        self.tool(daemon, "send", "q", "b", "--property", "colour=blue")
        _, errors = self.tool(daemon, "browse", "q", "--selector", name, code=FAILED)
        self.assertIn("no selector is stored under the name 'reds'", errors)
        _, errors = self.tool(daemon, "selector", "set", "reds", "colour = NULL", code=FAILED)
        self.assertIn("line 1, column 10", errors)
        self.assertEqual("Selector 'reds' stored.\n", self.tool(daemon, "selector", "set", "reds", "--file", "-", text=self.XML)[0])
        self.assertRegex(self.tool(daemon, "selector", "list")[0], r"NAME +ORIGIN +CHANGED\nreds +administrator +2\S+Z\n$")
        self.assertEqual("a\n", self.tool(daemon, "browse", "q", "--selector", name)[0])
        daemon.kill()
        daemon = self.start()
        self.assertEqual(self.XML + "\n", self.tool(daemon, "selector", "show", "reds")[0])
        self.assertEqual("a\n", self.tool(daemon, "browse", "q", "--selector", name)[0])
        self.assertEqual("Selector 'reds' changed.\n", self.tool(daemon, "selector", "set", "reds", "colour = 'blue'")[0])
        self.assertEqual("b\n", self.tool(daemon, "browse", "q", "--selector", name)[0])
        self.assertEqual("colour = 'blue'", json.loads(self.tool(daemon, "selector", "show", "reds", "--json")[0])["text"])
        _, errors = self.tool(daemon, "selector", "delete", "reds", code=WRONG_CALL)
        self.assertIn("--yes", errors)
        self.assertEqual("Selector 'reds' deleted.\n", self.tool(daemon, "selector", "delete", "reds", "--yes")[0])
        for command in ("show", "delete"):
            self.assertIn("no selector 'reds'", self.tool(daemon, "selector", command, "reds", "--yes", code=FAILED)[1])
        self.tool(daemon, "browse", "q", "--selector", name, code=FAILED)

    def test_wrong_calls_about_selectors_are_told_from_wrong_selectors(self):
        for arguments in (["check"], ["check", "a", "--file", "b"], ["check", "--file", "/nonexistent"], ["check", "--file", "/"],
                          ["convert", "a", "--to", "prose"], ["test", "a"], ["test", "a", "--message", "/nonexistent"]):
            _, errors = self.tool(None, "selector", *arguments, code=WRONG_CALL)
            self.assertTrue(errors.strip(), arguments)


class MessageTest(ToolTest):
    def test_messages_are_sent_browsed_and_received(self):
        daemon = self.start()
        self.tool(daemon, "send", "q", "first", "--property", "cents:long=100", "--type", "payment", "--priority", "7")
        self.tool(daemon, "send", "q", "--lines", text="second\nthird\n")
        self.assertEqual("first\nsecond\nthird\n", self.tool(daemon, "browse", "q")[0])
        line = json.loads(self.tool(daemon, "browse", "q", "--count", "1", "--json")[0])
        self.assertEqual(("first", {"cents": 100}, "payment", 7), (line["text"], line["properties"], line["type"], line["priority"]))
        self.assertEqual("first\n", self.tool(daemon, "receive", "q")[0])
        self.assertEqual("second\n", self.tool(daemon, "receive", "q", "--no-ack")[0])
        again = json.loads(self.tool(daemon, "receive", "q", "--json")[0])
        self.assertEqual(("second", True, 2), (again["text"], again["redelivered"], again["deliveryCount"]))
        self.assertEqual("third\n", self.tool(daemon, "receive", "q", "--count", "0")[0])
        self.assertEqual("", self.tool(daemon, "receive", "q", code=NOTHING)[0])
        self.assertEqual("", self.tool(daemon, "browse", "q", code=NOTHING)[0])

    def test_selectors_choose_what_is_browsed_and_received(self):
        daemon = self.start()
        for number in range(6):
            self.tool(daemon, "send", "q", str(number), "--property", f"colour={'red' if number % 2 else 'green'}")
        xml = '<selector xmlns="urn:giromq:selector:1"><eq><property name="colour"/><string v="red"/></eq></selector>'
        self.assertEqual("1\n3\n5\n", self.tool(daemon, "browse", "q", "--selector", "colour = 'red'")[0])
        self.assertEqual("1\n3\n5\n", self.tool(daemon, "browse", "q", "--selector", xml)[0])
        self.assertEqual("1\n3\n", self.tool(daemon, "receive", "q", "--selector-file", "-", "--count", "2", text=xml)[0])
        self.assertEqual("0\n2\n4\n5\n", self.tool(daemon, "receive", "q", "--count", "0")[0])
        _, errors = self.tool(daemon, "browse", "q", "--selector", "colour = NULL", code=FAILED)
        self.assertIn("1:10: NULL cannot be compared", errors)

    def test_a_selector_stored_in_the_broker_is_used_by_its_name(self):
        self.file("red.sql", "colour = 'red'\n")
        config = self.file("named.xml", """<giromq xmlns="urn:giromq:config:1">
  <amqp><listener port="0" mechanisms="anonymous"/></amqp> <sasl anonymous-role="administrator"/> <http enabled="false"/>
  <core create-queues="true"/> <selectors><selector name="reds" file="red.sql"/></selectors>
</giromq>
""")
        daemon = self.start("--config", config, dev=False)
        for colour in ("red", "green"):
            self.tool(daemon, "send", "q", colour, "--property", f"colour={colour}")
        self.assertEqual("red\n", self.tool(daemon, "browse", "q", "--selector", "JMS_GIROMQ_SELECTOR = 'reds'")[0])
        _, errors = self.tool(daemon, "browse", "q", "--selector", "JMS_GIROMQ_SELECTOR = 'blues'", code=FAILED)
        self.assertIn("blues", errors)

    def test_many_messages_arrive_once_each_and_in_order(self):
        daemon = self.start()
        lines = [str(number) for number in range(3000)]
        _, errors = self.tool(daemon, "send", "q", "--lines", text="\n".join(lines) + "\n")
        self.assertIn("3,000 messages", errors)
        self.assertEqual(lines, self.tool(daemon, "receive", "q", "--count", "0")[0].split())

    def test_follow_goes_on_until_the_count(self):
        daemon = self.start()
        command = [TOOL, *self.addresses(daemon), "receive", "q", "--follow"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
            try:
                for text in ("one", "two"):
                    self.tool(daemon, "send", "q", text)
                    self.assertEqual(text + "\n", follower.stdout.readline())
                self.assertIsNone(follower.poll())
            finally:
                follower.kill()
        self.tool(daemon, "send", "other", "only")
        self.assertEqual("only\n", self.tool(daemon, "receive", "other", "--follow", "--count", "1")[0])

    def test_a_full_queue_is_told_with_what_was_sent(self):
        daemon = self.start()
        self.tool(daemon, "queue", "create", "small", "--max-messages", "2", "--overflow", "refuse")
        _, errors = self.tool(daemon, "send", "small", "x", "--count", "5", code=FAILED)
        self.assertRegex(errors, r"2 of \d messages are in the queue")

    def test_a_body_cannot_steer_the_terminal(self):
        daemon = self.start()
        self.tool(daemon, "send", "q", "--file", "-", text="a\x1b]0;title\x07b\u009bc\n")
        seen, code = self.on_a_terminal(daemon, "browse", "q")
        self.assertEqual(("a?]0;title?b?c", DONE), (seen.split("\r\n")[0], code))
        self.assertEqual("a\x1b]0;title\x07b\u009bc\n\n", self.tool(daemon, "browse", "q")[0])

    def test_long_work_shows_its_progress(self):
        daemon = self.start()
        # Seconds of work on any machine; a bar comes after half of one.
        seen, code = self.on_a_terminal(daemon, "send", "q", "x", "--count", "300000")
        self.assertEqual(DONE, code)
        self.assertIn("Sent 300,000 messages", seen)
        self.assertRegex(seen, r"sending \[#*\.*\] +\d+ %  [\d,]+ of 300,000, [\d,]+/s")


class QueueTest(ToolTest):
    def test_a_queue_is_made_listed_emptied_and_deleted(self):
        daemon = self.start()
        self.assertIn("Created", self.tool(daemon, "queue", "create", "eu/payments", "--max-messages", "5")[0])
        self.assertIn("already", self.tool(daemon, "queue", "create", "eu/payments", "--max-messages", "5")[0])
        self.tool(daemon, "send", "eu/payments", "x", "--count", "3")
        self.assertRegex(self.tool(daemon, "queue", "list")[0], r"eu/payments +3 ")
        self.assertIn("3 messages", self.tool(daemon, "--yes", "queue", "purge", "eu/payments")[0])
        self.assertEqual({"deleted": "eu/payments", "messages": 0},
                         json.loads(self.tool(daemon, "queue", "delete", "eu/payments", "--yes", "--json")[0]))
        _, errors = self.tool(daemon, "queue", "delete", "eu/payments", "--yes", code=FAILED)
        self.assertIn("There is no queue 'eu/payments'", errors)

    def test_nothing_is_destroyed_without_being_confirmed(self):
        daemon = self.start()
        self.tool(daemon, "send", "q", "precious")
        for command in ("purge", "delete"):
            _, errors = self.tool(daemon, "queue", command, "q", code=WRONG_CALL)
            self.assertIn("--yes", errors)
            seen, code = self.on_a_terminal(daemon, "queue", command, "q", answers=[("Type the name", "y")])
            self.assertEqual(FAILED, code)
            self.assertIn("nothing was changed", seen)
        self.assertEqual("precious\n", self.tool(daemon, "browse", "q")[0])
        seen, code = self.on_a_terminal(daemon, "queue", "delete", "q", answers=[("1 messages.*Type the name", "q")])
        self.assertEqual(DONE, code)


class ConfigurationTest(ToolTest):
    def test_what_one_broker_has_is_given_to_another(self):
        one, other = self.start(data=os.path.join(self.folder, "one")), self.start(data=os.path.join(self.folder, "other"))
        self.tool(one, "queue", "create", "payments.in")
        self.tool(one, "selector", "set", "eur", "currency = 'EUR' AND amount < 5")
        document = self.file("definitions.xml", self.tool(one, "config", "export")[0])
        self.assertIn("payments.in", self.tool(other, "config", "diff", document, code=DIFFERS)[0])
        self.assertIn("0 of 2 changes made", self.tool(other, "config", "apply", document, "--dry-run")[0])
        self.assertIn("2 of 2 changes made", self.tool(other, "config", "apply", document)[0])
        self.tool(other, "config", "diff", document)
        self.assertEqual(self.tool(one, "config", "export"), self.tool(other, "config", "export"))

    def test_what_is_not_named_is_deleted_only_when_confirmed(self):
        daemon = self.start()
        document = self.file("definitions.xml", self.tool(daemon, "config", "export")[0])
        self.tool(daemon, "queue", "create", "extra")
        self.tool(daemon, "config", "diff", document)
        self.assertIn("extra", self.tool(daemon, "config", "diff", document, "--prune", code=DIFFERS)[0])
        self.tool(daemon, "config", "apply", document, "--prune", code=WRONG_CALL)
        self.tool(daemon, "config", "apply", document, "--prune", "--yes")
        self.tool(daemon, "config", "diff", document, "--prune")

    def test_users_are_made_with_passwords_that_the_document_points_at(self):
        daemon = self.start()
        secret = self.file("secret", "correct horse 9\n")
        wanted = ('<definitions xmlns="urn:giromq:definitions:1"><users><user name="ledger" role="application" password="{}"/></users>'
                  '<permissions><permission user="ledger" pattern="pay.#" actions="send"/></permissions></definitions>')
        missing = self.file("missing.xml", wanted.format("env:GIROMQ_TEST_NOT_THERE"))
        self.assertIn("GIROMQ_TEST_NOT_THERE", self.tool(daemon, "config", "apply", missing, code=FAILED)[1])
        self.assertNotIn("ledger", self.tool(daemon, "user", "list")[0])
        document = self.file("users.xml", wanted.format("file:" + secret))
        self.assertIn("1 user added.", self.tool(daemon, "config", "apply", document)[0])
        self.assertIn("ledger", self.tool(daemon, "user", "list")[0])
        self.tool(daemon, "permission", "check", "ledger", "send", "pay.in")
        self.assertIn("0 of 0 changes made", self.tool(daemon, "config", "apply", document)[0])
        self.assertNotIn("secret", self.tool(daemon, "config", "export")[0])

    def test_a_wrong_document_is_refused_with_its_place(self):
        daemon = self.start()
        wrong = self.file("wrong.xml", '<definitions xmlns="urn:giromq:definitions:1"><queues><queue/></queues></definitions>')
        self.assertIn("1:", self.tool(daemon, "config", "apply", wrong, code=FAILED)[1])


class ExportTest(ToolTest):
    def test_the_body_of_a_message_is_saved_as_it_is(self):
        daemon = self.start()
        self.tool(daemon, "queue", "create", "q")
        self.tool(daemon, "send", "q", "<grüezi/>\n")
        message = json.loads(self.tool(daemon, "message", "list", "q", "--json")[0])["id"]
        self.assertEqual("<grüezi/>\n", self.tool(daemon, "message", "body", "q", message)[0])
        saved = os.path.join(self.folder, "body.xml")
        self.assertIn("body.xml", self.tool(daemon, "message", "body", "q", message, "-o", saved)[0])
        with open(saved, encoding="utf-8") as stream:
            self.assertEqual("<grüezi/>\n", stream.read())
        self.assertEqual(0o600, os.stat(saved).st_mode & 0o777)
        self.assertIn("already", self.tool(daemon, "message", "body", "q", message, "-o", saved, code=FAILED)[1])
        self.tool(daemon, "message", "body", "q", "4711", code=FAILED)

    def test_messages_are_exported_and_stay(self):
        daemon = self.start()
        self.tool(daemon, "queue", "create", "q")
        self.tool(daemon, "send", "q", "hello", "--count", "1500")
        for limit, count in (([], 1500), (["--limit", "1200"], 1200)):
            lines = self.tool(daemon, "message", "export", "q", *limit)[0].splitlines()
            self.assertEqual(["hello"] * count, [json.loads(line)["body"]["text"] for line in lines])
        self.tool(daemon, "message", "export", "q", "--selector", "a = 1", code=NOTHING)
        self.assertEqual(1500, daemon.http("GET", "/api/v1/queues/q").json()["messages"])


class BrokerTest(ToolTest):
    def test_the_broker_is_looked_at(self):
        daemon = self.start()
        self.assertRegex(self.tool(daemon, "status")[0], r"state +ready")
        self.assertEqual("ready", json.loads(self.tool(daemon, "status", "--json")[0])["state"])
        self.assertIn("no alarm", self.tool(daemon, "alarms")[0])
        self.assertIn("No listener", self.tool(daemon, "certificates")[0])
        self.assertIn("messages", self.tool(daemon, "history", "--series", "messages", "--last", "3")[0])
        self.assertIn("read-body", self.tool(daemon, "user", "roles")[0])
        self.assertRegex(self.tool(daemon, "backup", "monday.db")[0], r"path .*monday\.db")
        self.assertIn("Changed now: nothing.", self.tool(daemon, "config", "reload")[0])

    def test_the_role_of_a_user_is_changed_and_the_password_stays(self):
        daemon = self.start()
        secret = self.file("secret", "correct horse 9\n")
        self.tool(daemon, "user", "add", "anna", "--role", "auditor", "--new-password-file", secret)
        self.tool(daemon, "user", "role", "anna", "administrator")
        self.tool(daemon, "user", "list", "--user", "anna", "--password-file", secret)

    def test_a_user_changes_the_own_password(self):
        daemon = self.start()
        old, new = self.file("old", "correct horse 9\n"), self.file("new", "battery staple 9\n")
        self.tool(daemon, "user", "add", "anna", "--new-password-file", old)
        self.tool(daemon, "password", "--new-password-file", new, code=WRONG_CALL)
        anna = ["password", "--user", "anna"]
        self.assertEqual("User 'anna' changed.\n", self.tool(daemon, *anna, "--password-file", old, "--new-password-file", new)[0])
        self.assertIn("login", self.tool(daemon, *anna, "--password-file", old, "--new-password-file", new, code=FAILED)[1])
        seen, code = self.on_a_terminal(daemon, *anna, answers=[("Password of anna: ", "battery staple 9"),
                                                                ("New password for anna: ", "correct horse 9"),
                                                                ("Once more: ", "correct horse 9")])
        self.assertEqual(DONE, code, seen)
        self.assertNotIn("horse", seen)
        self.tool(daemon, *anna, "--password-file", old, "--new-password-file", new)

    def test_clients_are_listed_and_sent_away(self):
        daemon = self.start()
        self.tool(daemon, "queue", "create", "q")
        client = subprocess.Popen([TOOL, *self.addresses(daemon), "receive", "q", "--timeout", "60"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        self.wait_until(lambda: '"queue":"q"' in self.tool(daemon, "consumer", "list", "--queue", "q", "--json")[0])
        consumer = json.loads(self.tool(daemon, "consumer", "list", "--json")[0])
        connection = str(consumer["connectionId"])
        self.assertRegex(self.tool(daemon, "connection", "list")[0], rf"(?m)^{connection} ")
        shown = self.tool(daemon, "connection", "show", connection)[0]
        self.assertRegex(shown, rf"(?m)^{consumer['id']} ")
        self.assertRegex(shown, r"(?m)^SESSION .*\n1 +1 +0 +0 +0 +0 ")
        self.assertEqual("", self.tool(daemon, "producer", "list", "--json", "--connection", connection)[0])
        self.tool(daemon, "consumer", "close", "4711", "--yes", code=FAILED)
        self.tool(daemon, "connection", "close", connection, code=WRONG_CALL)
        self.tool(daemon, "connection", "close", connection, "--yes", "--reason", "maintenance")
        self.wait_until(lambda: not re.search(rf"(?m)^{connection} ", self.tool(daemon, "connection", "list")[0]))


class ProfileTest(ToolTest):
    def with_profiles(self, text, *arguments, code=DONE, **variables):
        os.makedirs(os.path.join(self.folder, "giromq"), exist_ok=True)
        self.file("giromq/profiles", text)
        environment = {**os.environ, "XDG_CONFIG_HOME": self.folder, **variables}
        done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment, input="")
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_profile_names_a_broker_and_its_user(self):
        daemon = self.start()
        address = daemon.address["http"]
        self.file("secret", "correct horse 9\n")
        self.tool(daemon, "user", "add", "anna", "--role", "auditor", "--new-password-file", os.path.join(self.folder, "secret"))
        profiles = (f"# ours\n[other]\nhttp = http://127.0.0.1:1\n\n[test]\nhttp = http://{address}\nuser = anna\n"
                    "password-file = ../secret\n")
        self.assertIn("anna", self.with_profiles(profiles, "--profile", "test", "user", "list"))
        self.assertIn("anna", self.with_profiles(profiles, "user", "list", GIROMQ_PROFILE="test"))
        self.assertIn("anna", self.with_profiles(profiles, "user", "list", "--profile=test", GIROMQ_HTTP="http://127.0.0.1:1"))
        # What the environment says of somebody else is not mixed with it, and the command line goes before it.
        self.assertIn("127.0.0.1:1", self.with_profiles(profiles, "--profile", "other", "user", "list", code=FAILED,
                                                        GIROMQ_USER="anna", GIROMQ_PASSWORD_FILE="/nowhere"))
        self.assertIn("anna", self.with_profiles(profiles, "--profile", "other", "--http", f"http://{address}", "user", "list"))

    def test_profiles_that_make_no_sense_are_refused_with_the_line(self):
        for text, sentence in (("user = anna\n", "line 1"), ("[a]\npassword = x\n", "does not belong"), ("[a]\ncolour = red\n", "colour"),
                               ("[a]\nuser =\n", "no value"), ("[a]\nuser = b\nuser = c\n", "twice"), ("[a]\n[a]\n", "two profiles"),
                               ("[b]\n", "no profile 'a'"), ("[]\n", "line 1")):
            self.assertIn(sentence, self.with_profiles(text, "--profile", "a", "queue", "list", code=WRONG_CALL))


class CannedRest(http.server.BaseHTTPRequestHandler):
    """A broker's REST with one transaction in doubt."""

    XID = "1279875137:6731:0b"
    BRANCH = {"xid": XID, "description": "LIXA, gtrid 'g1', bqual 0b", "state": "prepared", "owner": "ledger", "ageMs": 3_700_000,
              "puts": 2, "gets": 1, "bytes": 2048, "destinations": [{"name": "payments.in", "puts": 2, "gets": 1}]}
    MESSAGE = {"work": "put", "destination": "payments.in", "messageId": "ID:4711\x1b[2J", "arrivedAt": "2026-01-01T00:00:00.000Z",
               "bytes": 10}

    def answer(self, status, body=None):
        payload = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def do_GET(self):
        path = urllib.parse.unquote(self.path).split("?")[0]
        if path == "/api/v1/transactions":
            self.answer(200, {"items": [self.BRANCH], "nextCursor": None})
        elif path == f"/api/v1/transactions/{self.XID}":
            self.answer(200, self.BRANCH)
        elif path == f"/api/v1/transactions/{self.XID}/messages":
            self.answer(200, {"items": [self.MESSAGE], "nextCursor": None})
        else:
            self.answer(404, {"title": "not found", "status": 404, "code": "not_found"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.decisions.append((urllib.parse.unquote(self.path), json.loads(body)))
        self.answer(204)

    def log_message(self, *_):
        pass


class TransactionTest(ToolTest):
    def canned(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), CannedRest)
        server.decisions = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, ["--http", f"http://127.0.0.1:{server.server_port}"]

    def test_transactions_in_doubt_are_listed_and_shown_with_their_messages(self):
        _, address = self.canned()
        out, _ = self.tool(None, *address, "xa", "list")
        for part in (CannedRest.XID, "LIXA, gtrid 'g1'", "prepared, 1 h 1 min old, of user 'ledger': 2 puts (2.0 KiB), 1 gets",
                     "payments.in: 2 puts, 1 gets"):
            self.assertIn(part, out)
        self.assertEqual(CannedRest.BRANCH, json.loads(self.tool(None, *address, "--json", "xa", "list")[0]))
        out, _ = self.tool(None, *address, "xa", "show", CannedRest.XID)
        self.assertRegex(out, r"put payments.in +ID:4711\?\[2J +2026-01-01")
        self.assertNotIn("\x1b", out)
        _, errors = self.tool(None, *address, "xa", "show", "1:01:02", code=FAILED)
        self.assertIn("No transaction 1:01:02 is in doubt", errors)

    def test_a_decision_wants_a_reason_and_is_confirmed(self):
        server, address = self.canned()
        self.tool(None, *address, "--yes", "xa", "commit", CannedRest.XID, code=WRONG_CALL)
        self.tool(None, *address, "xa", "commit", CannedRest.XID, "--reason", "why", code=WRONG_CALL)
        self.assertEqual([], server.decisions)
        for verb in ("commit", "rollback", "forget"):
            self.tool(None, *address, "--yes", "xa", verb, CannedRest.XID, "--reason", f"to {verb}")
            self.assertEqual((f"/api/v1/transactions/{CannedRest.XID}/{verb}", {"reason": f"to {verb}"}), server.decisions.pop())

    def test_a_broker_without_transactions_says_so(self):
        daemon = self.start()
        self.assertEqual("No transaction is in doubt.\n", self.tool(daemon, "xa", "list")[0])
        self.assertEqual("", self.tool(daemon, "--json", "xa", "list")[0])
        _, errors = self.tool(daemon, "--yes", "xa", "commit", "1:01:02", "--reason", "why", code=FAILED)
        self.assertIn("No transaction 1:01:02 is in doubt", errors)


class LoginTest(ToolTest):
    def secure(self, listener="", tls=""):
        """A broker with TLS and logins, and the options by which its administrator calls it."""
        self.authority = self.make_certificate("authority", "Bank CA")
        self.certificate, key = self.make_certificate("server", "localhost")
        certificate, client_key = self.make_certificate("client", "ledger", self.authority)
        self.client = ["--tls-certificate-file", certificate, "--tls-key-file", client_key]
        config = self.file("giromq.xml", f"""<giromq xmlns="urn:giromq:config:1">
  <amqp><listener host="127.0.0.1" port="0" tls="true" {listener}/></amqp>
  <tls certificate-file="{self.certificate}" private-key-file="{key}" client-ca-file="{self.authority[0]}" {tls}/>
  <http host="127.0.0.1" port="0" tls="true"/>
  <core create-queues="true"/>
</giromq>
""")
        daemon = self.start("--config", config, dev=False)
        password = self.file("admin-password", "a good password 1\n")
        token = os.path.join(daemon.data, "first-login-token")
        first = ["user", "add", "admin", "--role", "administrator", "--token-file", token, "--new-password-file", password]
        made, _ = self.tool(daemon, "--tls-ca-file", self.certificate, *self.client, *first)
        self.assertEqual("User 'admin' added.\n", made)
        return daemon, ["--tls-ca-file", self.certificate, "--user", "admin", "--password-file", password]

    def test_a_password_logs_in_over_tls(self):
        daemon, admin = self.secure()
        self.tool(daemon, *admin, "user", "add", "ledger", "--new-password-file", self.file("password", "a long password 9\n"))
        self.assertRegex(self.tool(daemon, *admin, "user", "list")[0], r"ledger +application")
        ledger = ["--tls-ca-file", self.certificate, "--user", "ledger", "--password-file", os.path.join(self.folder, "password")]
        _, errors = self.tool(daemon, *ledger, "send", "q", "over tls", code=FAILED)
        self.assertIn("may not send", errors)
        self.tool(daemon, *admin, "permission", "grant", "*", "send", "receive", "create", "--to-user", "ledger")
        self.assertRegex(self.tool(daemon, *admin, "permission", "list")[0], r"user ledger +\* +send,receive,create")
        self.assertIn("Yes: ", self.tool(daemon, *admin, "permission", "check", "ledger", "send", "q")[0])
        self.assertIn("No: ", self.tool(daemon, *admin, "permission", "check", "ledger", "send", "q.q", code=NOTHING)[0])
        self.tool(daemon, *ledger, "send", "q", "over tls")
        self.assertEqual("over tls\n", self.tool(daemon, *ledger, "receive", "q")[0])
        _, errors = self.tool(daemon, *ledger, "user", "list", code=FAILED)
        self.assertTrue(errors.startswith("giromq: "))
        self.file("password", "a wrong password 9\n")
        for command in (["send", "q", "x"], ["queue", "list"]):
            _, errors = self.tool(daemon, *ledger, *command, code=FAILED)
            self.assertIn("check user and password", errors)
            self.assertNotIn("a wrong password", errors)
        for command in (["send", "q", "x"], ["queue", "list"]):
            _, errors = self.tool(daemon, "--tls-ca-file", self.certificate, *command, code=FAILED)
            self.assertIn("--user", errors)

    def test_a_password_is_asked_for_without_echo(self):
        daemon, admin = self.secure()
        with open(admin[-1], encoding="utf-8") as stream:
            password = stream.read().strip()
        seen, code = self.on_a_terminal(daemon, *admin[:4], "queue", "list", answers=[("Password of admin: ", password)])
        self.assertEqual(DONE, code, seen)
        self.assertIn("NAME", seen)
        self.assertNotIn(password, seen)
        seen, code = self.on_a_terminal(daemon, *admin, "user", "add", "ledger",
                                        answers=[("New password", "one password"), ("Once more", "another password")])
        self.assertEqual(FAILED, code)
        self.assertIn("differ", seen)

    def test_a_certificate_that_is_not_trusted_is_refused(self):
        daemon, admin = self.secure()
        for command in (["send", "q", "x"], ["queue", "list"]):
            _, errors = self.tool(daemon, *admin[2:], *command, code=FAILED)
            self.assertIn("not trusted", errors)
            self.assertIn("--tls-ca-file", errors)
            _, errors = self.tool(daemon, "--tls-ca-file", "/nonexistent.pem", *admin[2:], *command, code=FAILED)
            self.assertIn("/nonexistent.pem", errors)

    def test_a_client_certificate_is_a_login(self):
        daemon, admin = self.secure(listener='mechanisms="external"', tls='require-client-certificate="true"')
        files = self.client
        self.tool(daemon, *admin, *files, "user", "add", "ledger", "--new-password-file", self.file("password", "a long password 9\n"))
        self.tool(daemon, *admin, *files, "permission", "grant", "q", "send", "receive", "create", "--to-user", "ledger")
        ledger = ["--tls-ca-file", self.certificate, *files]
        self.tool(daemon, *ledger, "send", "q", "by certificate")
        self.assertEqual("by certificate\n", self.tool(daemon, *ledger, "receive", "q")[0])
        _, errors = self.tool(daemon, *admin, "send", "q", "x", code=FAILED)
        self.assertTrue(errors.startswith("giromq: "))
        _, errors = self.tool(daemon, *admin, "queue", "list", code=FAILED)
        self.assertTrue(errors.startswith("giromq: "))


if __name__ == "__main__":
    if not os.path.exists(TOOL):
        raise SystemExit(f"{TOOL} is not built: set GIROMQ_BUILD_DIR")
    giromqd.main()
