"""What the interop tests share: one broker for a whole test class, and a queue of its own for each test."""

import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from broker import Broker  # noqa: E402
from amqp_client import Client, Disconnected, Timeout, pump_all  # noqa: E402,F401
from proton import Message  # noqa: E402


class InteropTest(unittest.TestCase):
    """`self.broker` runs; `self.client()` connects and is closed at the end; `self.queue` is a name that no other test uses."""

    arguments = ("--dev",)
    broker = None

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(cls.arguments)
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()

    def setUp(self):
        self.queue = "interop." + self.id().rsplit(".", 1)[-1]

    def tearDown(self):
        if not self.broker.is_running():
            tail = self.broker.log_tail()
            self.broker.start()
            self.fail(f"the broker has ended\n{tail}")

    def client(self, **options):
        client = Client(options.pop("port", self.broker.port), **options)
        self.addCleanup(client.close)
        return client

    def send_all(self, client, bodies, queue=None, **fields):
        """Sends one durable message for each body and asserts that each is accepted."""
        fields.setdefault("durable", True)
        link = client.sender(queue or self.queue)
        for body in bodies:
            delivery = client.send(link, Message(body=body, **fields))
            self.assertEqual(delivery.remote_state, delivery.ACCEPTED)
        client.close_link(link)

    def bodies(self, received):
        return [one.message.body for one in received]

    def wait_until_nothing_is_out(self, queue=None, timeout=30):
        """Until the broker has noticed that those who had messages of the queue are gone."""
        deadline = time.monotonic() + timeout
        while self.broker.rest("GET", f"/api/v1/queues/{queue or self.queue}")[1]["delivering"] > 0:
            self.assertLess(time.monotonic(), deadline, "messages are still out with a consumer")
            time.sleep(0.02)

    def drained(self, client, queue=None):
        """The bodies of everything in the queue, taken and accepted."""
        link = client.receiver(queue or self.queue)
        found = []
        while True:
            some = client.drain(link, 100)
            for one in some:
                client.accept(one)
                found.append(one.message.body)
            if not some:
                client.close_link(link)
                return found
