"""Connections, links, addresses and the bytes of messages."""

import time
import unittest
import uuid

from proton import Array, Data, Delivery, Described, Endpoint, Message
from proton import byte, char, decimal32, decimal64, decimal128, float32, int32, short, symbol, timestamp, ubyte, uint, ulong, ushort
from proton.utils import BlockingConnection

from fixture import Disconnected, InteropTest
from sections import bare, bare_with_annotations


def every_type():
    """A value of every primitive AMQP type that application-properties may hold."""
    return {
        "null": None, "true": True, "false": False, "ubyte": ubyte(255), "ushort": ushort(65535), "uint": uint(0),
        "uint-big": uint(4294967295), "ulong": ulong(0), "ulong-big": ulong(2**64 - 1), "byte": byte(-128), "short": short(-32768),
        "int": int32(-1), "int-big": int32(2**31 - 1), "long": 5, "long-big": -2**63,
        "float": float32(0.1), "double": 0.1, "decimal32": decimal32(17), "decimal64": decimal64(2**40),
        "decimal128": decimal128(b"0123456789abcdef"), "char": char("€"), "timestamp": timestamp(1790000000123), "uuid": uuid.uuid4(),
        "binary": b"\x00\xff" * 200, "string": "Zürich \U0001F3E6", "string-long": "x" * 300, "symbol": symbol("a-symbol"),
    }


class Connections(InteropTest):
    def test_the_broker_offers_what_a_jms_client_asks_for(self):
        client = self.client()
        offered = {str(name) for name in client.connection.remote_offered_capabilities or []}
        self.assertLessEqual({"sole-connection-for-container", "ANONYMOUS-RELAY"}, offered)
        properties = {str(key): value for key, value in (client.connection.remote_properties or {}).items()}
        self.assertIn("product", properties)
        self.assertIn("version", properties)

    def test_a_second_sole_connection_of_a_container_is_refused(self):
        name = f"sole-{uuid.uuid4()}"
        first = self.client(container=name, desired=["sole-connection-for-container"])
        with self.assertRaises(Disconnected) as refused:
            self.client(container=name, desired=["sole-connection-for-container"])
        self.assertIn("amqp:invalid-field", str(refused.exception))
        first.close()
        self.client(container=name, desired=["sole-connection-for-container"])

    def test_a_quiet_connection_lives_by_empty_frames(self):
        client = self.client(idle_timeout=1)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            client.pump(0.1)
            self.assertFalse(client.ended, client.reason)
        self.send_all(client, ["still here"])

    def test_small_frames_of_the_client_are_respected(self):
        client = self.client(max_frame=512)
        body = bytes(range(256)) * 200
        self.send_all(client, [body])
        link = client.receiver(self.queue, credit=1)
        self.assertEqual(bytes(client.receive(link).message.body), body)

    def test_the_blocking_api_of_proton_works(self):
        connection = BlockingConnection(self.broker.url, timeout=15, allowed_mechs="ANONYMOUS")
        sender = connection.create_sender(self.queue)
        for number in range(20):
            self.assertEqual(sender.send(Message(body=number, durable=True)).remote_state, Delivery.ACCEPTED)
        receiver = connection.create_receiver(self.queue, credit=5)
        for number in range(20):
            self.assertEqual(receiver.receive(timeout=10).body, number)
            receiver.accept()
        connection.close()
        self.assertEqual(self.drained(self.client()), [])


class Addresses(InteropTest):
    def test_the_anonymous_relay_routes_by_the_to_field(self):
        client = self.client()
        relay = client.sender(None)
        for number in range(3):
            delivery = client.send(relay, Message(address=f"{self.queue}.{number}", body=number, durable=True))
            self.assertEqual(delivery.remote_state, Delivery.ACCEPTED)
        for number in range(3):
            self.assertEqual(self.drained(client, f"{self.queue}.{number}"), [number])

    def test_the_anonymous_relay_refuses_a_message_without_address_and_goes_on(self):
        client = self.client()
        relay = client.sender(None)
        delivery = client.send(relay, Message(body="where to?", durable=True))
        self.assertEqual(delivery.remote_state, Delivery.REJECTED)
        self.assertIsNotNone(delivery.remote.condition)
        delivery = client.send(relay, Message(address=self.queue, body="there", durable=True))
        self.assertEqual(delivery.remote_state, Delivery.ACCEPTED)
        self.assertEqual(self.drained(client), ["there"])

    def test_a_request_is_answered_over_a_dynamic_queue(self):
        server, client = self.client(), self.client()
        replies = client.receiver(None, dynamic=True, credit=10)
        address = replies.remote_source.address
        self.assertTrue(address)
        self.send_all(client, ["what time is it?"], reply_to=address, correlation_id="c-1")
        requests = server.receiver(self.queue, credit=1)
        request = server.receive(requests)
        self.assertEqual(request.message.reply_to, address)
        relay = server.sender(None)
        server.send(relay, Message(address=address, correlation_id=request.message.correlation_id, body="late"))
        server.accept(request)
        reply = client.receive(replies)
        self.assertEqual((reply.message.body, reply.message.correlation_id), ("late", "c-1"))
        client.accept(reply)

    def test_a_temporary_queue_belongs_to_its_connection(self):
        owner, other = self.client(), self.client()
        link = owner.sender(None, dynamic=True, capabilities=["temporary-queue"])
        address = link.remote_target.address
        self.assertTrue(address)
        self.send_all(other, ["for the owner"], address, durable=False)
        stolen = other.receiver(address)
        self.assertTrue(stolen.state & Endpoint.REMOTE_CLOSED, "another connection must not consume from it")
        receiver = owner.receiver(address, credit=1)
        self.assertEqual(owner.receive(receiver).message.body, "for the owner")
        owner.close()
        gone = other.sender(address)
        self.assertTrue(gone.state & Endpoint.REMOTE_CLOSED, "it ends with its connection")
        self.assertEqual(gone.remote_condition.name, "amqp:not-found")

    def test_queue_capabilities_are_answered(self):
        client = self.client()
        link = client.sender(self.queue, capabilities=["queue"])
        capabilities = link.remote_target.capabilities
        capabilities.rewind()
        self.assertTrue(capabilities.next())
        value = capabilities.get_object()
        self.assertIn("queue", [str(one) for one in (value.elements if isinstance(value, Array) else [value])])

    def test_an_unusable_address_is_refused_and_the_connection_lives(self):
        client = self.client()
        for address in ("x" * 256, "line\nbreak"):
            for link in (client.sender(address), client.receiver(address)):
                self.assertTrue(link.state & Endpoint.REMOTE_CLOSED, address)
                self.assertIsNotNone(link.remote_condition)
        self.send_all(client, ["fine"])


class Messages(InteropTest):
    def round_trip(self, client, data):
        sender = client.sender(self.queue)
        delivery = client.send(sender, data)
        self.assertEqual(delivery.remote_state, Delivery.ACCEPTED)
        link = client.receiver(self.queue, credit=1)
        received = client.receive(link, 60)
        client.accept(received)
        client.close_link(link)
        client.close_link(sender)
        return received.data

    def test_annotations_and_properties_of_every_type_are_byte_exact(self):
        message = Message(durable=True, priority=7, id=ulong(77), user_id=b"anonymous", subject="subject", reply_to="reply",
                          correlation_id=uuid.uuid4(), content_type="text/plain", content_encoding="gzip", creation_time=1790000000.5,
                          group_id="group", group_sequence=9, reply_to_group_id="other", body={"a": [1, 2, 3], "b": {"c": None}})
        message.properties = every_type()
        message.annotations = {symbol(f"x-opt-{name}"): value for name, value in every_type().items() if value is not None}
        message.annotations[symbol("x-opt-map")] = {"nested": [symbol("s"), {1: 2}], ulong(1): "one"}
        message.annotations[symbol("x-opt-array")] = Array(None, Data.LONG, 1, 2, 3)
        message.annotations[symbol("x-opt-described")] = Described(symbol("mine:type"), "value")
        data = message.encode()
        received = self.round_trip(self.client(), data)
        self.assertEqual(bare_with_annotations(received), bare_with_annotations(data))
        back = Message()
        back.decode(received)
        self.assertEqual((back.durable, back.priority, back.delivery_count), (True, 7, 0))

    def test_every_kind_of_body_is_byte_exact(self):
        value = b"\x00\x53\x77"
        bodies = {
            "string": value + b"\xa1\x03abc", "null": value + b"\x40", "described list": value + b"\x00\xa3\x01d\xc0\x03\x02\x41\x42",
            "array": value + b"\xe0\x05\x03\x55\x01\x02\x03", "two sequences": b"\x00\x53\x76\x45\x00\x53\x76\xc0\x03\x02\x43\x41",
            "two data sections": b"\x00\x53\x75\xa0\x02\x01\x02\x00\x53\x75\xb0\x00\x00\x00\x01\x03", "empty data": b"\x00\x53\x75\xa0\x00",
        }
        properties = b"\x00\x53\x73\xd0\x00\x00\x00\x07\x00\x00\x00\x01\xa1\x01m"
        footer = b"\x00\x53\x78\xc1\x07\x02\xa3\x01f\xa1\x01x"
        client = self.client()
        for name, body in bodies.items():
            data = b"\x00\x53\x70\xc0\x02\x01\x41" + properties + body + footer
            with self.subTest(name):
                self.assertEqual(bare(self.round_trip(client, data)), bare(data))

    def test_a_message_of_ten_mebibytes_arrives_whole(self):
        body = uuid.uuid4().bytes * (10 * 1024 * 1024 // 16)
        data = Message(body=body, durable=True, properties={"large": True}).encode()
        client = self.client()
        self.assertEqual(bare(self.round_trip(client, data)), bare(data))

    def test_large_messages_survive_a_crash_and_can_be_browsed(self):
        bodies = [uuid.uuid4().bytes * (size // 16) for size in (256 * 1024, 256 * 1024 + 16, 3 * 1024 * 1024)]
        self.send_all(self.client(), bodies)
        self.broker.kill()
        self.broker.start()
        client = self.client()
        browser = client.receiver(self.queue, browse=True)
        self.assertEqual([bytes(body) for body in self.bodies(client.drain(browser, 10))], bodies)
        client.close_link(browser)
        self.assertEqual([bytes(body) for body in self.drained(client)], bodies)

    def test_a_message_over_the_limit_is_refused_with_the_right_condition(self):
        client = self.client()
        sender = client.sender(self.queue)
        limit = sender.remote_max_message_size
        self.assertGreater(limit, 0)
        delivery = client.send_nowait(sender, Message(body=bytes(limit), durable=True))
        try:
            client.wait(lambda: delivery.settled or sender.state & Endpoint.REMOTE_CLOSED, "it is refused", 60)
        except Disconnected as ended:
            self.fail(f"the whole connection was ended: {ended}")
        self.assertNotEqual(delivery.remote_state, Delivery.ACCEPTED)
        condition = sender.remote_condition or delivery.remote.condition
        self.assertEqual(condition.name, "amqp:link:message-size-exceeded")
        self.assertEqual(self.drained(self.client()), [])

    def test_an_aborted_transfer_leaves_nothing(self):
        client = self.client()
        sender = client.sender(self.queue)
        client.wait(lambda: sender.credit > 0, "credit")
        delivery = sender.delivery("aborted")
        sender.stream(Message(body=bytes(600000), durable=True).encode()[:400000])
        client.pump(0.2)
        delivery.abort()
        client.pump(0.1)
        client.send(sender, Message(body="after it", durable=True))
        self.assertEqual(self.drained(client), ["after it"])

    def test_a_message_that_is_no_message_is_refused(self):
        client = self.client()
        cut_off = Message(body="cut off", durable=True).encode()[:-3]
        for name, data in (("garbage", b"\xff\xfe\xfd\xfc"), ("nothing", b""), ("cut off", cut_off),
                           ("an unknown section", b"\x00\x53\x6f\x40")):
            with self.subTest(name):
                other = self.client()
                sender = other.sender(self.queue)
                other.wait(lambda link=sender: link.credit > 0, "credit")
                delivery = other.send_nowait(sender, data)
                try:
                    other.wait(lambda link=sender, sent=delivery: sent.settled or link.state & Endpoint.REMOTE_CLOSED, "it is refused")
                except Disconnected:
                    pass
                self.assertNotEqual(delivery.remote_state, Delivery.ACCEPTED)
        self.assertEqual(self.drained(client), [])

    def test_priority_and_ttl_of_the_header_are_handed_on(self):
        client = self.client()
        data = Message(body="x", durable=True, priority=2, ttl=500).encode()
        back = Message()
        back.decode(self.round_trip(client, data))
        self.assertEqual((back.priority, back.durable), (2, True))
        self.assertTrue(0 < back.ttl <= 500, back.ttl)


if __name__ == "__main__":
    unittest.main()
