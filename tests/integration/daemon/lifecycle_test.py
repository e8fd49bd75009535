"""How giromqd starts, stops, is killed, and is asked for other things than running."""

import os
import signal
import socket
import stat
import threading
import time
import unittest

import giromqd

try:
    import proton
    import proton.utils
except ImportError:
    proton = None

NEEDS_PROTON = unittest.skipIf(proton is None, "python3-qpid-proton is not installed")


def connect(daemon, **options):
    options.setdefault("allowed_mechs", "ANONYMOUS")
    return proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=30, **options)


class StartTest(giromqd.DaemonTest):
    def test_the_ready_line_tells_every_address(self):
        daemon = self.start()
        self.assertRegex(daemon.line, r"^giromqd ready amqp=127\.0\.0\.1:\d+ http=127\.0\.0\.1:\d+ data=\S+\n$")
        self.assertEqual(200, daemon.http("GET", "/livez").status)
        self.assertEqual(200, daemon.http("GET", "/readyz").status)

    def test_a_second_broker_on_the_same_data_is_refused(self):
        daemon = self.start()
        second = self.run_program("--dev", "--data", daemon.data, "--amqp", "127.0.0.1:0", "--http", "127.0.0.1:0")
        self.assertEqual(3, second.returncode, second.stderr)
        self.assertEqual("", second.stdout)
        self.assertEqual(200, daemon.http("GET", "/readyz").status)

    def test_a_taken_address_is_told_and_the_store_is_left_clean(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            data = os.path.join(self.folder, "data")
            refused = self.run_program("--dev", "--data", data, "--amqp", address, "--http", "127.0.0.1:0")
        self.assertEqual(1, refused.returncode)
        self.assertIn(address, refused.stderr)
        self.start(data=data)

    def test_only_this_machine_is_let_in_for_development(self):
        for option in ("--amqp", "--http"):
            refused = self.run_program("--dev", "--data", os.path.join(self.folder, "data"), option, "0.0.0.0:0")
            self.assertEqual(2, refused.returncode, refused.stderr)

    def test_wrong_use_is_refused(self):
        for arguments in (["--nothing"], ["--dev", "--config", "x.xml"], ["--log-level", "loud"], ["--check", "--restore", "x"],
                          ["--config", os.path.join(self.folder, "none.xml")], ["--amqp", "5672"], ["user", "add", "ann"]):
            self.assertEqual(2, self.run_program(*arguments).returncode, arguments)

    def test_a_broker_that_would_kill_itself_must_be_told_twice(self):
        armed = {"GIROMQ_FAILPOINT": "checkpoint.begun"}
        arguments = ["--dev", "--data", os.path.join(self.folder, "data"), "--amqp", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        refused = self.run_program(*arguments, environment=armed)
        self.assertEqual((2, ""), (refused.returncode, refused.stdout))
        self.assertIn("--allow-failpoints", refused.stderr)
        unknown = self.run_program(*arguments, "--allow-failpoints", environment={"GIROMQ_FAILPOINT": "checkpoint.begins"})
        self.assertEqual((2, ""), (unknown.returncode, unknown.stdout))
        self.assertIn("checkpoint.begins", unknown.stderr)
        # The first checkpoint is that of a store whose last end was not clean, or of one that has nothing to do.
        daemon = self.start("--allow-failpoints", environment=armed)
        self.assertEqual(-signal.SIGKILL, daemon.wait())
        self.start("--allow-failpoints").stop()

    def test_an_empty_value_is_wrong_use(self):
        # As from an unset variable of a script: nothing must run with defaults that nobody asked for.
        for option in ("--config", "--data", "--amqp", "--http", "--log-level", "--backup", "--restore"):
            refused = self.run_program("--check-config", option, "")
            self.assertEqual((2, ""), (refused.returncode, refused.stdout), option)

    def test_a_folder_that_cannot_be_written_is_told(self):
        file = self.file("file", "")
        for data in ("/proc/giromq", os.path.join(file, "data")):
            refused = self.run_program("--dev", "--data", data, "--amqp", "127.0.0.1:0", "--http", "127.0.0.1:0")
            self.assertEqual((4, ""), (refused.returncode, refused.stdout), refused.stderr)
            self.assertIn(data, refused.stderr)

    def test_help_and_version_are_told(self):
        told = self.run_program("--help")
        self.assertEqual(0, told.returncode)
        for text in ("--config", "--data", "--amqp", "--http", "--check-config", "--dev", "--backup", "--restore", "Exit codes"):
            self.assertIn(text, told.stdout)
        self.assertRegex(self.run_program("--version").stdout, r"^giromqd \d+\.\d+\.\d+")

    def test_a_configuration_is_checked(self):
        good = self.file("good.xml", '<giromq xmlns="urn:giromq:config:1"/>')
        checked = self.run_program("--check-config", "--config", good)
        bad = self.run_program("--check-config", "--config", self.file("bad.xml", "<giromq"))
        self.assertEqual(2, bad.returncode)
        self.assertIn("bad.xml:1:", bad.stderr)
        self.assertEqual(0, checked.returncode, checked.stderr)

    def test_selectors_are_checked_with_the_configuration(self):
        self.file("red.sql", "colour = 'red'\n")
        self.file("wrong.sql", "colour = NULL\n")
        for file, expected, words in (("red.sql", 0, "valid"), ("wrong.sql", 2, "wrong.sql:1:10: NULL cannot be compared"),
                                      ("none.sql", 2, "none.sql")):
            config = self.file("selectors.xml", f"""<giromq xmlns="urn:giromq:config:1">
  <selectors><selector name="red" file="{file}"/></selectors>
</giromq>
""")
            checked = self.run_program("--check-config", "--config", config)
            self.assertEqual(expected, checked.returncode, checked.stderr)
            self.assertIn(words, checked.stdout + checked.stderr)

    def test_certificates_are_checked_with_the_configuration(self):
        (certificate, key), (_, other) = self.make_certificate("a", "localhost"), self.make_certificate("b", "localhost")
        for key_file, expected in ((key, 0), (other, 2), (certificate, 2)):
            config = self.file("tls.xml", f"""<giromq xmlns="urn:giromq:config:1">
  <tls certificate-file="{certificate}" private-key-file="{key_file}"/>
</giromq>
""")
            checked = self.run_program("--check-config", "--config", config)
            self.assertEqual(expected, checked.returncode, checked.stderr)

    def test_a_broker_without_administrator_gets_one_by_a_token(self):
        daemon = self.start(dev=False)
        path = os.path.join(daemon.data, "first-login-token")
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual(0o700, stat.S_IMODE(os.stat(daemon.data).st_mode))
        token = daemon.first_token()
        self.assertIn(path, daemon.logged())
        wanted = {"user": "ann", "password": "a better password 9"}
        for wrong in ({}, {"token": "x" + token}, {"token": ""}):
            self.assertEqual(401, daemon.http("POST", "/api/v1/session", {**wanted, **wrong}).status, wrong)
        weak = daemon.http("POST", "/api/v1/session", {"token": token, "user": "ann", "password": "too short 1"})
        self.assertEqual((400, True), (weak.status, "12 characters" in weak.body))
        # Another start makes another token.
        daemon.kill()
        daemon = self.start(dev=False)
        self.assertEqual(401, daemon.http("POST", "/api/v1/session", {"token": token, **wanted}).status)
        ann = daemon.make_administrator("ann", "a better password 9")
        self.wait_until(lambda: not os.path.exists(path))
        self.assertEqual(200, daemon.http("GET", "/api/v1/users", user=ann).status)
        self.assertNotIn(token, daemon.logged())
        daemon.kill()
        # What a crash has left behind is no way in.
        self.file("data/first-login-token", token)
        daemon = self.start(dev=False)
        self.assertFalse(os.path.exists(path))
        again = daemon.http("POST", "/api/v1/session", {"token": token, "user": "eve", "password": "a better password 9"})
        self.assertEqual(401, again.status)
        self.assertEqual(200, daemon.http("GET", "/api/v1/users", user=ann).status)

    def test_a_user_can_be_added_while_no_broker_runs(self):
        password_file = self.file("password", "battery staple 9\n")
        data = os.path.join(self.folder, "data")
        arguments = ["--data", data, "user", "add", "ann", "--password-file", password_file, "--role"]
        added = self.run_program(*arguments, "administrator")
        self.assertEqual(0, added.returncode, added.stderr)
        refused = self.run_program(*arguments, "application")
        self.assertEqual((1, True), (refused.returncode, "only administrator" in refused.stderr))
        weak = self.run_program(*arguments[:-3], "--password-file", self.file("weak", "no digits here\n"), "--role", "operator")
        self.assertEqual((2, True), (weak.returncode, "12 characters" in weak.stderr))
        daemon = self.start(dev=False)
        self.assertFalse(os.path.exists(os.path.join(data, "first-login-token")))
        ann = ("ann", "battery staple 9")
        self.assertEqual(200, daemon.http("GET", "/api/v1/users", user=ann).status)
        self.assertEqual(3, self.run_program(*arguments, "administrator").returncode)
        record = daemon.http("GET", "/api/v1/audit?action=user.", user=ann).json()["items"][0]
        self.assertEqual(("user.put", "ann", "offline"), (record["action"], record["object"], record["protocol"]))


class StopTest(giromqd.DaemonTest):
    def test_sigterm_and_sigint_stop_it_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start()
            daemon.signal(number)
            self.assertEqual(0, daemon.wait(), daemon.logged())
            self.assertIn(" stopped", daemon.logged())

    def test_a_client_that_says_nothing_does_not_hold_it_up(self):
        daemon = self.start()
        with socket.create_connection(("127.0.0.1", daemon.port("amqp")), timeout=20) as idle:
            self.wait_until(lambda: daemon.http("GET", "/api/v1/overview").json()["connections"] == 1)
            self.assertEqual(0, daemon.stop())
            while idle.recv(4096):
                pass

    @NEEDS_PROTON
    def test_a_connected_client_gets_a_close_frame(self):
        daemon = self.start()
        connection = connect(daemon)
        connection.create_receiver("q")
        stopper = threading.Thread(target=daemon.stop)
        stopper.start()
        with self.assertRaises(proton.ProtonException) as ended:
            connection.wait(lambda: False, timeout=30, msg="close")
        stopper.join()
        self.assertEqual(0, daemon.process.returncode)
        self.assertIn("stopping", str(ended.exception))

    def test_a_client_that_does_not_answer_the_close_is_cut(self):
        config = self.file("giromq.xml", """<giromq xmlns="urn:giromq:config:1">
  <broker close-timeout="200ms"/>
  <amqp><listener host="127.0.0.1" port="0" mechanisms="anonymous"/></amqp>
  <sasl anonymous-role="administrator"/>
</giromq>
""")
        daemon = self.start("--config", config, dev=False)
        with socket.create_connection(("127.0.0.1", daemon.port("amqp")), timeout=20) as mute:
            # SASL ANONYMOUS, then open with the container id "mute".
            mute.sendall(b"AMQP\x03\x01\x00\x00" + bytes.fromhex("0000001902010000005341c00c01a309") + b"ANONYMOUS" +
                         b"AMQP\x00\x01\x00\x00" + bytes.fromhex("0000001402000000005310c00701a104") + b"mute")
            received = b""
            while b"\x53\x10" not in received:  # the broker's open
                received += mute.recv(4096)
            begun = time.monotonic()
            self.assertEqual(0, daemon.stop(), daemon.logged())
            self.assertLess(time.monotonic() - begun, 4)
            while piece := mute.recv(4096):
                received += piece
            self.assertIn(b"\x53\x18", received)  # and its close

    def test_a_second_signal_ends_it_at_once(self):
        daemon = self.start()
        # A client that never reads its close frame nor closes holds up the stop.
        with socket.create_connection(("127.0.0.1", daemon.port("amqp")), timeout=20) as client:
            client.sendall(b"AMQP\x03\x01\x00\x00")
            client.recv(8)
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_log(" stopping")
            daemon.signal(signal.SIGTERM)
            begun = time.monotonic()
            self.assertIn(daemon.wait(), (0, 1))
            self.assertLess(time.monotonic() - begun, 4)


@NEEDS_PROTON
class MessagesTest(giromqd.DaemonTest):
    def send(self, daemon, texts, queue="payments"):
        connection = connect(daemon)
        sender = connection.create_sender(queue)
        for text in texts:
            sender.send(proton.Message(body=text, durable=True))
        connection.close()

    def receive(self, daemon, count, queue="payments"):
        connection = connect(daemon)
        receiver = connection.create_receiver(queue, credit=count)
        bodies = []
        for _ in range(count):
            bodies.append(receiver.receive(timeout=30).body)
            receiver.accept()
        connection.close()
        return bodies

    def test_confirmed_messages_survive_a_kill(self):
        daemon = self.start()
        sent = [f"payment {number}" for number in range(200)]
        self.send(daemon, sent)
        daemon.kill()
        daemon = self.start()
        self.assertEqual(sent[:150], self.receive(daemon, 150))
        # A client may be gone before its last acknowledgements are durable.
        self.wait_until(lambda: daemon.http("GET", "/api/v1/queues/payments").json()["messages"] == 50)
        daemon.kill()
        daemon = self.start()
        self.assertEqual(sent[150:], self.receive(daemon, 50))
        self.wait_until(lambda: daemon.http("GET", "/api/v1/queues/payments").json()["messages"] == 0)

    def test_a_backup_taken_meanwhile_can_be_restored(self):
        daemon = self.start()
        self.send(daemon, ["a", "b", "c"])
        backup = daemon.http("POST", "/api/v1/backup", {"file": "monday.db"})
        self.assertEqual(200, backup.status, backup.body)
        path = backup.json()["path"]
        self.assertEqual(os.path.join(daemon.data, "backups", "monday.db"), path)
        self.assertEqual(409, daemon.http("POST", "/api/v1/backup", {"file": "monday.db"}).status)
        self.send(daemon, ["d"])
        self.assertEqual(0, daemon.stop())
        elsewhere = os.path.join(self.folder, "restored")
        restored = self.run_program("--restore", path, "--data", elsewhere)
        self.assertEqual(0, restored.returncode, restored.stderr)
        daemon = self.start(data=elsewhere)
        self.assertEqual(["a", "b", "c"], self.receive(daemon, 3))

    def test_the_store_is_checked_and_saved_while_no_broker_runs(self):
        daemon = self.start()
        self.send(daemon, ["a", "b"])
        self.assertEqual(3, self.run_program("--check", "--data", daemon.data).returncode)
        self.assertEqual(0, daemon.stop())
        checked = self.run_program("--check", "--data", daemon.data)
        self.assertEqual(0, checked.returncode, checked.stderr)
        path = os.path.join(self.folder, "saved.db")
        saved = self.run_program("--backup", path, "--data", daemon.data)
        self.assertEqual(0, saved.returncode, saved.stderr)
        self.assertTrue(os.path.exists(path))
        self.assertEqual(4, self.run_program("--check", "--data", os.path.join(self.folder, "nothing here")).returncode)

    def test_connections_are_shown_while_they_last(self):
        daemon = self.start()
        connection = connect(daemon)
        connection.create_sender("q")
        items = daemon.http("GET", "/api/v1/connections").json()["items"]
        self.assertEqual(1, len(items))
        self.assertEqual(("anonymous", 1, False), (items[0]["user"], items[0]["producers"], items[0]["encrypted"]))
        connection.close()
        self.wait_until(lambda: daemon.http("GET", "/api/v1/connections").json()["items"] == [])


if __name__ == "__main__":
    giromqd.main()
