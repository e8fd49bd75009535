"""libgiromq against brokers that are not GiroMQ, for what AMQP 1.0 defines. RabbitMQ with its plugin for AMQP 1.0 is the one in Debian
(the ActiveMQ of Debian 12 has no AMQP connector); without it the test is skipped. Each run starts a broker of its own."""

import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import broker as giromq  # noqa: E402  (the folder above is not a package)

CLIENT = giromq.program("giromq_test_foreign_client")
SERVERS = sorted(glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))
PLUGINS = glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/rabbitmq_amqp1_0*")
MESSAGES = 400


class RabbitMq:
    """One data folder and the process over it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="giromq-foreign-")
        self.port, self.process = giromq.free_port(), None
        plugins = os.path.join(self.folder, "enabled_plugins")
        with open(plugins, "w", encoding="utf-8") as file:
            file.write("[rabbitmq_amqp1_0].\n")
        self.environment = dict(
            os.environ, HOME=self.folder, RABBITMQ_NODENAME=f"giromq-{os.getpid()}@localhost", RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_DIST_PORT=str(giromq.free_port()), RABBITMQ_MNESIA_BASE=self.folder,
            RABBITMQ_LOG_BASE=self.folder, RABBITMQ_ENABLED_PLUGINS_FILE=plugins, ERL_EPMD_PORT=str(giromq.free_port()),
            ERL_EPMD_ADDRESS="127.0.0.1")
        # One of its own: Erlang would start one that outlives everything.
        self.names = subprocess.Popen(["epmd"], env=self.environment, stdin=subprocess.DEVNULL)

    @property
    def uri(self):
        # Its plugin does not answer when a link is closed, so nothing is gained by waiting long for that.
        return f"amqp://guest:guest@127.0.0.1:{self.port}?close-timeout-ms=200&request-timeout-ms=3000"

    def start(self, seconds=90):
        log = open(os.path.join(self.folder, "output"), "a", encoding="utf-8")
        with log:
            self.process = subprocess.Popen([SERVERS[-1]], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        give_up_at = time.monotonic() + seconds
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                raise AssertionError("RabbitMQ did not start:\n" + self.logged())
            time.sleep(0.2)

    def declare(self, kind, names):
        """Durable queues. A `classic` one of RabbitMQ 3.10 ends the session of a receiver that drains; a `quorum` one may take minutes to
        find its leader after a kill."""
        arguments = f'[{{<<"x-queue-type">>, longstr, <<"{kind}">>}}]'
        code = "".join(f'rabbit_amqqueue:declare(rabbit_misc:r(<<"/">>, queue, <<"{name}">>), true, false, {arguments}, '
                       'none, <<"guest">>), ' for name in names) + "mnesia:sync_log()."
        # Without the last call a kill within the next seconds takes the queues with it, since their records wait in a buffer.
        control = os.path.join(os.path.dirname(SERVERS[-1]), "rabbitmqctl")
        done = subprocess.run([control, "-n", self.environment["RABBITMQ_NODENAME"], "eval", code],
                              env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError("the queues could not be made: " + done.stdout + done.stderr)

    def _answers(self):
        """Whether it speaks AMQP 1.0: the port is open some time before the plugin is there."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                probe.sendall(b"AMQP\x03\x01\x00\x00")
                return probe.recv(8) == b"AMQP\x03\x01\x00\x00"
        except OSError:
            return False

    def logged(self):
        text = ""
        for path in glob.glob(os.path.join(self.folder, "output")) + glob.glob(os.path.join(self.folder, "*.log")):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()[-4000:]
        return text

    def kill(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def close(self):
        self.kill()
        self.names.kill()
        self.names.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class RabbitMqTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = RabbitMq()
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()

    def client(self, *arguments):
        done = subprocess.run([str(CLIENT), *arguments], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr + self.broker.logged())
        return done.stdout

    def test_what_amqp_defines_works(self):
        self.broker.declare("quorum", [f"check-{number}" for number in range(1, 20)] + ["check-9-other"])
        print(self.client("check", self.broker.uri, "/amq/queue/check"))

    def test_confirmed_sends_survive_kills_in_order(self):
        self.broker.declare("classic", ["restarts"])
        address = "/amq/queue/restarts"
        command = ["timeout", "240", str(CLIENT), "send", self.broker.uri, address, str(MESSAGES)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
            output = []
            for line in sender.stdout:
                output.append(line.strip())
                if len(output) in (MESSAGES // 3, 2 * MESSAGES // 3):
                    self.broker.kill()
                    self.broker.start()
        self.assertEqual(0, sender.returncode)
        self.assertEqual([str(number) for number in range(1, MESSAGES + 1)], output[:MESSAGES])
        self.assertEqual("losses 2", output[-1])
        arrived = [int(text) for text in self.client("drain", self.broker.uri, address).split()]
        # It has no duplicate detection for AMQP 1.0: what was under way at a kill may be there twice, in its place.
        self.assertEqual(list(range(1, MESSAGES + 1)), sorted(set(arrived)))
        self.assertEqual(sorted(arrived), arrived)
        self.assertLessEqual(len(arrived), MESSAGES + 2)


if __name__ == "__main__":
    if not SERVERS or not PLUGINS or shutil.which("epmd") is None:
        print("skipped: no foreign broker is installed (bench/peers/install.sh installs RabbitMQ)")
        sys.exit(giromq.SKIPPED)
    if not CLIENT.exists():
        print(f"skipped: {CLIENT} is not built")
        sys.exit(giromq.SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a test that takes too long still ends its broker
    unittest.main(verbosity=2)
