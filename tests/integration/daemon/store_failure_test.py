"""A disk that fails under a running giromqd: what it had confirmed is there, it confirms no more, and it ends with a word and a code."""

import os
import unittest

import giromqd

try:
    import proton
    import proton.utils
except ImportError:
    proton = None

LIBRARY = os.path.join(os.environ.get("GIROMQ_BUILD_DIR", "."), "lib", "libgiromq_test_failing_sync.so")
STORE_FAILED = 4


@unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
class FailedSyncTest(giromqd.DaemonTest):
    def setUp(self):
        super().setUp()
        self.switch = os.path.join(self.folder, "syncs fail")
        self.environment = {"LD_PRELOAD": LIBRARY, "GIROMQ_TEST_FAIL_SYNC": self.switch}

    def fail_syncs(self, ending=""):
        """From now on, of files whose names end so."""
        self.file("syncs fail.next", ending)
        os.replace(self.switch + ".next", self.switch)

    def connect(self, daemon):
        return proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=60, allowed_mechs="ANONYMOUS")

    def send_until_failure(self, daemon, count, bytes_each=100, confirmed=0):
        """Sends numbers up to `count`, from the first that is not confirmed yet; how many are then."""
        try:
            sender = self.connect(daemon).create_sender("payments")
            while confirmed < count:
                sender.send(proton.Message(body=str(confirmed).ljust(bytes_each), durable=True))
                confirmed += 1
        except (proton.ProtonException, ConnectionError):
            pass
        return confirmed

    def assert_holds(self, daemon, confirmed):
        """The confirmed messages in order, and behind them at most the one that was under way."""
        receiver = self.connect(daemon).create_receiver("payments", credit=confirmed + 10)
        numbers = []
        while len(numbers) < confirmed + 1:
            try:
                message = receiver.receive(timeout=60 if len(numbers) < confirmed else 1)
            except proton.Timeout:
                break
            receiver.accept()
            numbers.append(int(message.body))
        self.assertIn(numbers, (list(range(confirmed)), list(range(confirmed + 1))))

    def assert_ended(self, daemon):
        self.assertEqual(STORE_FAILED, daemon.wait(), daemon.logged())
        self.assertIn(" store_failed ", daemon.logged())
        self.assertIn("start the broker again", daemon.logged())
        with self.assertRaises(ConnectionError):
            daemon.http("GET", "/readyz")

    def restart(self, daemon):
        os.remove(self.switch)
        again = self.start()
        self.assertEqual(200, again.http("GET", "/readyz").status)
        return again

    def test_the_library_lets_everything_pass_until_it_is_told(self):
        daemon = self.start(environment=self.environment)
        self.assertEqual(10, self.send_until_failure(daemon, 10))
        self.assertEqual(0, daemon.stop())

    def test_a_commit_whose_sync_fails_is_not_confirmed(self):
        daemon = self.start(environment=self.environment)
        self.assertEqual(5, self.send_until_failure(daemon, 5))
        self.fail_syncs("-wal")
        self.assertEqual(5, self.send_until_failure(daemon, 6, confirmed=5))
        self.assert_ended(daemon)
        daemon = self.restart(daemon)
        self.assert_holds(daemon, 5)
        self.assertEqual(0, daemon.stop())
        checked = self.run_program("--check", "--data", daemon.data)
        self.assertEqual(0, checked.returncode, checked.stderr)

    def test_an_acknowledgement_whose_sync_fails_is_not_confirmed(self):
        daemon = self.start(environment=self.environment)
        self.assertEqual(2, self.send_until_failure(daemon, 2))
        receiver = self.connect(daemon).create_receiver("payments", credit=1)
        receiver.receive(timeout=60)
        self.fail_syncs("-wal")
        try:
            receiver.accept()
        except (proton.ProtonException, ConnectionError):
            pass
        self.assert_ended(daemon)
        daemon = self.restart(daemon)
        receiver = self.connect(daemon).create_receiver("payments", credit=2)
        numbers = [int(receiver.receive(timeout=60).body)]
        if numbers == [0]:
            numbers.append(int(receiver.receive(timeout=60).body))
        self.assertIn(numbers, ([1], [0, 1]))

    def test_a_checkpoint_whose_sync_fails_ends_it_too(self):
        config = self.file("giromq.xml", """<giromq xmlns="urn:giromq:config:1">
  <amqp><listener host="127.0.0.1" port="0" mechanisms="anonymous"/></amqp>
  <sasl anonymous-role="administrator"/>
  <core create-queues="true"/>
  <store checkpoint="1MiB" wal="2MiB"/>
</giromq>
""")
        daemon = self.start("--config", config, dev=False, environment=self.environment)
        self.fail_syncs("giromq.db")
        confirmed = self.send_until_failure(daemon, 10000, bytes_each=50000)
        self.assertGreater(confirmed, 0)
        self.assert_ended(daemon)
        self.assert_holds(self.restart(daemon), confirmed)

    def test_a_start_whose_sync_fails_is_no_start(self):
        self.assertEqual(0, self.start().stop())
        self.fail_syncs()
        refused = self.run_program("--dev", "--data", os.path.join(self.folder, "data"), "--amqp", "127.0.0.1:0", "--http", "127.0.0.1:0",
                                   environment=self.environment)
        self.assertEqual((STORE_FAILED, ""), (refused.returncode, refused.stdout), refused.stderr)
        os.remove(self.switch)
        self.start()

    def test_a_stop_whose_sync_fails_is_told(self):
        daemon = self.start(environment=self.environment)
        self.assertEqual(5, self.send_until_failure(daemon, 5))
        self.fail_syncs()
        self.assertEqual(STORE_FAILED, daemon.stop(), daemon.logged())
        self.assert_holds(self.restart(daemon), 5)


if __name__ == "__main__":
    if not os.path.exists(LIBRARY):
        raise SystemExit(f"{LIBRARY} is not built")
    giromqd.main()
