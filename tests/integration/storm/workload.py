"""Producers and consumers of the storm, over the plain AMQP client: they write down what they see and decide nothing."""

import random
import subprocess
import threading
import time

from proton import Delivery, Endpoint, Message

from amqp_client import Client, set_outcome
from checker import Confirmed, GivenBack, Received, Refused, Sent, Settled


def body_of(producer, sequence, size):
    """Bytes that only this message has, and that can be made again to compare."""
    seed = f"{producer}/{sequence};".encode()
    return (seed * (size // len(seed) + 1))[:size]


class History:
    """The events with their times; written to a file as well, so that a failed run can be read."""

    def __init__(self, path):
        self._events = []
        self._lock = threading.Lock()
        self._file = open(path, "w", encoding="utf-8", buffering=1)
        self.last_change = time.monotonic()

    def append(self, event, when=None):
        with self._lock:
            self.last_change = time.monotonic()
            self._events.append((when or self.last_change, event))
            self._file.write(f"{when or self.last_change:.6f} {event}\n")

    def in_order(self):
        """All of them as they happened. Clients in other processes give their own times, from the same clock."""
        with self._lock:
            return [event for _, event in sorted(self._events, key=lambda entry: entry[0])]


class Reconnecting:
    """Connects again, a little later, whenever the connection is gone."""

    def __init__(self, name, port):
        self.name = name
        self.port = port
        self.client = None
        self.incarnation = 0
        self.next_attempt = 0.0
        self.enabled = True
        self.delay = 0.03

    def step(self, now):
        if self.client is not None and self.client.ended:
            self.on_disconnected()
            self.client = None
            self.next_attempt = now + self.delay
        if self.client is None and self.enabled and now >= self.next_attempt:
            self.next_attempt = now + self.delay
            try:
                self.client = Client(self.port, container=f"{self.name}-{self.incarnation}", open_connection=False, connect_timeout=2)
            except OSError:
                return
            self.incarnation += 1
            self.client.listener = self
            self.on_connected()
        if self.client is not None and not self.client.ended:
            self.on_step(now)

    def finish(self):
        if self.client is not None:
            self.client.close()
            self.client = None


class Producer(Reconnecting):
    """Sends numbered messages, at most `window` unconfirmed."""

    def __init__(self, name, port, history, queue, *, mode="plain", rate=300.0, window=40, large_every=0, generator=None):
        super().__init__(name, port)
        self.history = history
        self.queue = queue
        self.mode = mode
        self.rate = rate
        self.window = window
        self.large_every = large_every
        self.random = generator or random.Random(name)
        self.sequence = 0
        self.under_way = {}  # Delivery -> sequence
        self.repeat = []     # sequences to be sent again, in order
        self.link = None
        self.stopped = False
        self.allowance = 0.0
        self.last_time = None
        self.sizes = {}

    def size_of(self, sequence):
        if sequence not in self.sizes:
            large = self.large_every and sequence % self.large_every == 0
            self.sizes[sequence] = 1 << 20 if large else self.random.choice((0, 10, 100, 1000, 1000, 4000, 20000))
        return self.sizes[sequence]

    def on_connected(self):
        self.link = self.client.sender(self.queue, wait=False)

    def on_disconnected(self):
        if self.mode == "dedup":
            self.repeat = sorted(set(self.repeat) | set(self.under_way.values()))
        self.under_way.clear()

    def on_received(self, client, received):
        raise AssertionError("a producer receives nothing")

    def on_updated(self, client, delivery):
        if client is not self.client or not delivery.settled or delivery not in self.under_way:
            return
        key = (self.name, self.under_way.pop(delivery))
        if delivery.remote_state == Delivery.ACCEPTED:
            self.history.append(Confirmed(key))
        elif delivery.remote_state == Delivery.REJECTED:
            condition = delivery.remote.condition
            self.history.append(Refused(key, f"{condition.name}: {condition.description}" if condition else "no reason given"))
        elif self.mode == "dedup":
            # Released: not now. The order is kept only if everything after it is sent again, too; the ids keep that from doubling.
            self.repeat = sorted(set(self.repeat) | {key[1]} | set(self.under_way.values()))
            self.under_way.clear()
        delivery.settle()

    def on_step(self, now):
        if self.last_time is not None:
            self.allowance = min(self.window, self.allowance + self.rate * (now - self.last_time))
        self.last_time = now
        if self.link.state & Endpoint.REMOTE_CLOSED:
            raise AssertionError(f"the broker detached {self.name}: {self.link.remote_condition}")
        while self.link.credit > 0 and len(self.under_way) < self.window:
            if self.repeat:
                sequence = self.repeat.pop(0)
            elif not self.stopped and self.allowance >= 1:
                self.allowance -= 1
                self.sequence += 1
                sequence = self.sequence
                self.history.append(Sent((self.name, sequence), self.queue, self.mode))
            else:
                return
            size = self.size_of(sequence)
            message = Message(body=body_of(self.name, sequence, size), inferred=True, durable=self.mode != "memory",
                              id=f"{self.name}-{sequence}", properties={"producer": self.name, "sequence": sequence, "size": size})
            if self.mode == "dedup":
                message.properties["GIROMQ_DUPLICATE_ID"] = f"{self.name}-{sequence}"
            delivery = self.client.send_nowait(self.link, message)
            self.under_way[delivery] = sequence

    def is_idle(self):
        return self.stopped and not self.under_way and not self.repeat


class Consumer(Reconnecting):
    """Receives, and settles each message with the outcome that `decide` gives: "accepted", "rejected", "released" or "failed"."""

    def __init__(self, name, port, history, queue, *, credit=50, confirm=True, strict=False, decide=None, disconnects_every=0.0,
                 generator=None):
        super().__init__(name if confirm else f"unconfirmed-{name}", port)
        self.history = history
        self.queue = queue
        self.credit = credit
        self.confirm = confirm
        self.strict = strict
        self.decide = decide or (lambda key, seen: "accepted")
        self.disconnects_every = disconnects_every
        self.random = generator or random.Random(name)
        self.unsettled = {}  # Delivery -> (key, outcome)
        self.seen = set()
        self.link = None
        self.link_name = ""
        self.next_disconnect = None

    def on_connected(self):
        self.link_name = f"{self.name}-{self.incarnation}"
        self.link = self.client.receiver(self.queue, name=self.link_name, wait=False)
        self.link.flow(self.credit)
        if self.disconnects_every:
            self.next_disconnect = time.monotonic() + self.random.expovariate(1 / self.disconnects_every)

    def on_disconnected(self):
        self.unsettled.clear()

    def on_received(self, client, received):
        message = received.message
        properties = message.properties
        key = (properties["producer"], properties["sequence"])
        intact = bytes(message.body) == body_of(*key, properties["size"])
        self.history.append(Received(key, self.queue, self.link_name, message.delivery_count, intact, self.strict))
        outcome = self.decide(key, key in self.seen)
        self.seen.add(key)
        delivery = received.delivery
        if outcome == "accepted":
            set_outcome(delivery, Delivery.ACCEPTED)
        elif outcome == "rejected":
            set_outcome(delivery, Delivery.REJECTED, condition=("storm:refused", "as every seventh"))
        elif outcome == "failed":
            set_outcome(delivery, Delivery.MODIFIED, failed=True)
        else:
            self.history.append(GivenBack(key, self.queue))
            set_outcome(delivery, Delivery.RELEASED)
        if self.confirm:
            self.unsettled[delivery] = (key, outcome)
        else:
            delivery.settle()
            self.link.flow(1)

    def on_updated(self, client, delivery):
        if client is not self.client or not delivery.settled or delivery not in self.unsettled:
            return
        key, outcome = self.unsettled.pop(delivery)
        if outcome in ("accepted", "rejected"):
            self.history.append(Settled(key, self.queue, outcome))
        delivery.settle()
        self.link.flow(1)

    def on_step(self, now):
        if self.link.state & Endpoint.REMOTE_CLOSED:
            raise AssertionError(f"the broker detached {self.name}: {self.link.remote_condition}")
        if self.next_disconnect is not None and now > self.next_disconnect:
            self.client.abort()

    def is_idle(self):
        return not self.unsettled


class NativeClient:
    """A process over libgiromq (native_client.cpp), which tells what it sees on its output, with times of the monotonic clock."""

    def __init__(self, executable, role, name, port, history, queue, *options):
        self.name = name
        self.history = history
        self.queue = queue
        self.sent = 0
        self.confirmed = 0
        self.stopped = False
        command = [str(executable), role, "--uri", f"amqp://127.0.0.1:{port}", "--queue", queue, "--name", name, *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            when, word, *rest = line.split()
            when = int(when) / 1e9
            if word == "sent":
                self.sent += 1
                self.history.append(Sent((self.name, int(rest[0])), self.queue, "dedup"), when)
            elif word == "confirmed":
                self.confirmed += 1
                self.history.append(Confirmed((self.name, int(rest[0]))), when)
            elif word == "refused":
                self.confirmed += 1
                self.history.append(Refused((self.name, int(rest[0])), " ".join(rest[1:])), when)
            elif word == "received":
                key = (rest[0], int(rest[1]))
                self.history.append(Received(key, self.queue, self.name, int(rest[2]), rest[3] == "intact"), when)
            elif word == "settled":
                self.history.append(Settled((rest[0], int(rest[1])), self.queue, "accepted"), when)

    def stop_sending(self):
        """The process ends its sends and waits for their outcomes."""
        if not self.stopped:
            self.stopped = True
            self.process.stdin.close()

    def is_idle(self):
        return self.stopped and self.sent == self.confirmed

    def finish(self):
        """Ends it; what it did wrong, or None."""
        self.stop_sending()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"{self.name} over libgiromq did not end"
        self.reader.join(10)
        return None if code == 0 else f"{self.name} over libgiromq ended with exit code {code}"
