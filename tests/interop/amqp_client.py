"""A small AMQP 1.0 client over the engine of python3-qpid-proton, with nothing hidden: what is sent, when it is settled, which bytes came.

It is synchronous for tests that do one thing after the other (`wait`), and many of them can be driven by one thread (`pump_all`).
"""

import collections
import select
import socket
import time
import uuid

from proton import UNDESCRIBED, Array, Collector, Condition, Connection, Data, Delivery, Endpoint, Event, Message, Terminus, Transport
from proton import symbol


class Timeout(AssertionError):
    """Something did not happen in time."""


class Disconnected(ConnectionError):
    """The connection ended; what() the peer said is in the message."""


class Received:
    """A delivery that has come completely."""

    def __init__(self, link, delivery, data):
        self.link = link
        self.delivery = delivery
        self.data = data
        self._message = None

    @property
    def message(self):
        if self._message is None:
            self._message = Message()
            self._message.decode(self.data)
        return self._message


class Client:
    """One connection. `wait` raises Timeout, or Disconnected when the connection has ended, unless what is waited for is there."""

    def __init__(self, port, *, user=None, password=None, mechanisms=None, container=None, host="127.0.0.1", max_frame=None,
                 idle_timeout=None, desired=None, connect_timeout=5, open_connection=True):
        self.collector = Collector()
        self.connection = Connection()
        self.connection.collect(self.collector)
        self.connection.container = container or f"test-{uuid.uuid4()}"
        self.connection.hostname = host
        if desired:
            self.connection.desired_capabilities = Array(UNDESCRIBED, Data.SYMBOL, *[symbol(name) for name in desired])
        if user is not None:
            self.connection.user = user
        if password is not None:
            self.connection.password = password
        self.transport = Transport()
        if max_frame:
            self.transport.max_frame_size = max_frame
        if idle_timeout:
            self.transport.idle_timeout = idle_timeout
        sasl = self.transport.sasl()
        sasl.allow_insecure_mechs = True
        if mechanisms is None:
            mechanisms = "ANONYMOUS" if user is None else "PLAIN"
        sasl.allowed_mechs(mechanisms)
        self.socket = socket.create_connection((host, port), timeout=connect_timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.transport.bind(self.connection)
        self.ended = False
        self.reason = ""
        self.listener = None  # on_received(received), on_updated(delivery): called from pump
        self.inbox = collections.defaultdict(collections.deque)  # link name -> Received
        self._parts = {}
        self._tag = 0
        self.connection.open()
        self.default_session = self.connection.session()
        self.default_session.open()
        if open_connection:
            self.wait(lambda: self.connection.state & Endpoint.REMOTE_ACTIVE, "the connection is opened")
            properties = self.connection.remote_properties or {}
            if any(str(key) == "amqp:connection-establishment-failed" for key in properties):
                self.wait(lambda: False, "the refused connection is closed")

    # The socket

    def fileno(self):
        return self.socket.fileno()

    def wants_to_write(self):
        return not self.ended and self.transport.pending() > 0

    def on_readable(self):
        try:
            while not self.ended:
                capacity = self.transport.capacity()
                if capacity < 0:
                    self._end("the peer closed the connection")
                if capacity <= 0:
                    break
                data = self.socket.recv(min(capacity, 1 << 18))
                if not data:
                    self.transport.close_tail()
                    self._process()
                    self._end("the peer closed the connection")
                    break
                self.transport.push(data)
                self.transport.pending()  # lets the engine react before the end of the input is told to it
                self._process()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as failure:
            self._process()
            self._end(str(failure))
        except Exception as failure:  # the engine refuses the bytes
            self._process()
            self._end(f"engine: {failure}")

    def on_writable(self):
        try:
            while not self.ended:
                pending = self.transport.pending()
                if pending <= 0:
                    if pending < 0:
                        self._end("the connection is finished")
                    break
                sent = self.socket.send(self.transport.peek(min(pending, 1 << 18)))
                self.transport.pop(sent)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            # What the peer said before it went may still be there to be read; reading finds the end.
            self.on_readable()
            self._end("cannot write")

    def _end(self, reason):
        if not self.ended:
            condition = self.connection.remote_condition or self.transport.condition
            self.ended = True
            self.reason = f"{condition.name}: {condition.description}" if condition else reason
            self.socket.close()

    def abort(self):
        """Drops the connection as a crash does: no frame is sent."""
        self.ended = True
        self.reason = "aborted"
        self.socket.close()

    def close(self):
        if not self.ended:
            self.connection.close()
            try:
                self.wait(lambda: self.connection.state & Endpoint.REMOTE_CLOSED, "the close is answered", 5)
            except (Disconnected, Timeout):
                pass
            self.abort()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Events

    def _process(self):
        while True:
            event = self.collector.peek()
            if event is None:
                return
            if event.type is Event.DELIVERY:
                self._on_delivery(event.delivery)
            self.collector.pop()

    def _on_delivery(self, delivery):
        link = delivery.link
        if link.is_receiver and delivery.readable and link.current is not None and delivery.tag == link.current.tag:
            key = (link.name, delivery.tag)
            self._parts.setdefault(key, []).append(link.recv(delivery.pending) if delivery.pending else b"")
            if delivery.aborted:
                del self._parts[key]
                delivery.settle()
            elif not delivery.partial:
                received = Received(link, delivery, b"".join(part for part in self._parts.pop(key) if part))
                link.advance()
                if self.listener is not None:
                    self.listener.on_received(self, received)
                else:
                    self.inbox[link.name].append(received)
        if delivery.updated:
            if self.listener is not None:
                self.listener.on_updated(self, delivery)

    def pump(self, timeout):
        pump_all([self], timeout)

    def wait(self, predicate, what="it happens", timeout=15):
        deadline = time.monotonic() + timeout
        while True:
            self._process()
            if predicate():
                return
            if self.ended:
                raise Disconnected(f"{self.reason} (waiting until {what})")
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise Timeout(f"waited {timeout} s until {what}")
            self.pump(min(remaining, 0.2))

    # Links

    def _opened(self, link, wait):
        if wait:
            self.wait(lambda: link.state & (Endpoint.REMOTE_ACTIVE | Endpoint.REMOTE_CLOSED), "the link is attached")
            if (link.is_sender and link.remote_target.type == Terminus.UNSPECIFIED) or (
                    link.is_receiver and link.remote_source.type == Terminus.UNSPECIFIED):
                self.wait(lambda: link.state & Endpoint.REMOTE_CLOSED, "the refused link is detached")
        return link

    def sender(self, address, *, name=None, capabilities=(), dynamic=False, presettled=False, session=None, wait=True):
        """`address` None: the anonymous relay."""
        link = (session or self.default_session).sender(name or f"sender-{uuid.uuid4()}")
        link.source.address = link.name
        if dynamic:
            link.target.dynamic = True
            link.target.expiry_policy = Terminus.EXPIRE_WITH_LINK
        else:
            link.target.address = address
        for capability in capabilities:
            link.target.capabilities.put_object(symbol(capability))
        link.snd_settle_mode = 1 if presettled else 0
        link.open()
        return self._opened(link, wait)

    def receiver(self, address, *, credit=0, name=None, browse=False, dynamic=False, capabilities=(), presettled=False, session=None,
                 filters=None, wait=True):
        link = (session or self.default_session).receiver(name or f"receiver-{uuid.uuid4()}")
        link.target.address = link.name
        if dynamic:
            link.source.dynamic = True
        else:
            link.source.address = address
        if browse:
            link.source.distribution_mode = Terminus.DIST_MODE_COPY
        if filters:
            link.source.filter.put_dict(filters)
        for capability in capabilities:
            link.source.capabilities.put_object(symbol(capability))
        link.snd_settle_mode = 1 if presettled else 0
        link.rcv_settle_mode = 0
        link.open()
        self._opened(link, wait)
        if credit:
            link.flow(credit)
        return link

    def close_link(self, link):
        link.close()
        self.wait(lambda: link.state & Endpoint.REMOTE_CLOSED, "the detach is answered")

    # Messages

    def send_nowait(self, link, message):
        """The delivery, not settled yet (None on a presettled link). The caller watches the credit."""
        self._tag += 1
        data = message if isinstance(message, bytes) else message.encode()
        delivery = link.delivery(str(self._tag))
        link.stream(data)
        link.advance()
        if link.snd_settle_mode == 1:
            delivery.settle()
            return None
        return delivery

    def send(self, link, message, timeout=15):
        """Sends, waits until the peer has settled, and gives back the delivery with its remote state."""
        self.wait(lambda: link.credit > 0 or link.state & Endpoint.REMOTE_CLOSED, "there is credit to send", timeout)
        if link.state & Endpoint.REMOTE_CLOSED:
            raise Disconnected(f"the link is detached: {link.remote_condition}")
        delivery = self.send_nowait(link, message)
        if delivery is not None:
            self.wait(lambda: delivery.settled, "the delivery is settled", timeout)
            delivery.settle()
        return delivery

    def receive(self, link, timeout=15):
        self.wait(lambda: self.inbox[link.name], "a message comes", timeout)
        return self.inbox[link.name].popleft()

    def receive_nothing(self, link, for_seconds=0.3):
        """Asserts that no message comes for a while."""
        deadline = time.monotonic() + for_seconds
        while time.monotonic() < deadline and not self.ended:
            self.pump(0.05)
            assert not self.inbox[link.name], "a message came where none should"

    def drain(self, link, credit=100, timeout=15):
        """Everything there is, and the certainty that there is no more: flow with drain until the credit is used up."""
        link.drain(credit)
        self.wait(lambda: link.credit == 0, "the link is drained", timeout)
        link.drain_mode = False
        found = list(self.inbox[link.name])
        self.inbox[link.name].clear()
        return found

    def settle(self, received, state, *, confirmed=True, failed=False, undeliverable=False, condition=None, timeout=15):
        """Sends the outcome; with `confirmed` unsettled, and waits until the broker has settled."""
        set_outcome(received.delivery, state, failed, undeliverable, condition)
        if confirmed:
            self.wait(lambda: received.delivery.settled, "the outcome is settled", timeout)
        received.delivery.settle()
        if not confirmed:
            self.pump(0)

    def accept(self, received, confirmed=True):
        self.settle(received, Delivery.ACCEPTED, confirmed=confirmed)


def set_outcome(delivery, state, failed=False, undeliverable=False, condition=None):
    if state == Delivery.MODIFIED:
        delivery.local.failed = failed
        delivery.local.undeliverable = undeliverable
    if condition is not None:
        delivery.local.condition = Condition(*condition)
    delivery.update(state)


def pump_all(clients, timeout):
    """Moves bytes of all clients; waits for at most `timeout` seconds until one of them has something to do."""
    alive = [client for client in clients if not client.ended]
    now = time.monotonic()
    for client in alive:
        client._process()
        client.transport.tick(now)
        client.on_writable()
    alive = [client for client in alive if not client.ended]
    if not alive:
        return
    readable, writable, _ = select.select(alive, [client for client in alive if client.wants_to_write()], [], timeout)
    for client in readable:
        client.on_readable()
    for client in writable:
        client.on_writable()
