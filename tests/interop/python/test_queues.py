"""Sending, receiving, flow control and outcomes."""

import time
import unittest

from proton import Delivery, Endpoint, Message, symbol

from fixture import Disconnected, InteropTest, pump_all


class Flow(InteropTest):
    def test_a_message_that_is_sent_is_received(self):
        client = self.client()
        self.send_all(client, ["hello"])
        link = client.receiver(self.queue, credit=1)
        received = client.receive(link)
        self.assertEqual(received.message.body, "hello")
        self.assertEqual(received.message.delivery_count, 0)
        self.assertTrue(received.message.durable)
        client.accept(received)
        self.assertEqual(client.drain(link), [])

    def test_pipelined_messages_keep_their_order(self):
        client = self.client()
        sender = client.sender(self.queue)
        deliveries = []
        for number in range(2000):
            client.wait(lambda: sender.credit > 0, "credit")
            deliveries.append(client.send_nowait(sender, Message(body=number, durable=True)))
        client.wait(lambda: all(delivery.settled for delivery in deliveries), "all are settled")
        self.assertTrue(all(delivery.remote_state == Delivery.ACCEPTED for delivery in deliveries))
        self.assertEqual(self.drained(client), list(range(2000)))

    def test_no_more_is_delivered_than_there_is_credit(self):
        client = self.client()
        self.send_all(client, range(10))
        link = client.receiver(self.queue, credit=3)
        client.wait(lambda: len(client.inbox[link.name]) == 3)
        client.pump(0.3)
        self.assertEqual(len(client.inbox[link.name]), 3)
        link.flow(2)
        client.wait(lambda: len(client.inbox[link.name]) == 5)
        client.pump(0.3)
        self.assertEqual(self.bodies(client.inbox[link.name]), [0, 1, 2, 3, 4])

    def test_drain_of_an_empty_queue_uses_up_the_credit(self):
        client = self.client()
        link = client.receiver(self.queue)
        self.assertEqual(client.drain(link, 10), [])
        self.assertEqual(link.credit, 0)
        self.send_all(client, ["later"])
        client.receive_nothing(link)
        self.assertEqual(self.bodies(client.drain(link, 10)), ["later"])

    def test_drain_gives_everything_before_it_says_that_there_is_no_more(self):
        client = self.client()
        self.send_all(client, range(7))
        link = client.receiver(self.queue)
        self.assertEqual(self.bodies(client.drain(link, 1000)), list(range(7)))

    def test_receive_without_wait_never_misses_what_was_confirmed(self):
        sending, receiving = self.client(), self.client()
        sender = sending.sender(self.queue)
        link = receiving.receiver(self.queue)
        for number in range(200):
            sending.send(sender, Message(body=number, durable=True))
            found = receiving.drain(link, 1)
            self.assertEqual(self.bodies(found), [number])
            receiving.accept(found[0])

    def test_competing_consumers_share_and_nothing_comes_twice(self):
        clients = [self.client() for _ in range(3)]
        links = [client.receiver(self.queue, credit=10) for client in clients]
        for client in clients:
            client.pump(0.1)
        self.send_all(self.client(), range(300))
        got = [[] for _ in clients]
        deadline = time.monotonic() + 20
        while sum(map(len, got)) < 300 and time.monotonic() < deadline:
            pump_all(clients, 0.1)
            for client, link, mine in zip(clients, links, got):
                for received in client.inbox[link.name]:
                    mine.append(received.message.body)
                    received.delivery.update(Delivery.ACCEPTED)
                    received.delivery.settle()
                    link.flow(1)
                client.inbox[link.name].clear()
        self.assertEqual(sorted(sum(got, [])), list(range(300)))
        for mine in got:
            self.assertEqual(mine, sorted(mine))
            self.assertGreater(len(mine), 30, "the consumers are served fairly")

    def test_many_links_on_one_connection_work(self):
        client = self.client()
        senders = [client.sender(f"{self.queue}.{number}", wait=False) for number in range(200)]
        receivers = [client.receiver(f"{self.queue}.{number}", wait=False) for number in range(200)]
        client.wait(lambda: all(link.state & Endpoint.REMOTE_ACTIVE for link in senders + receivers), "all links are attached")
        for link in receivers:
            link.flow(5)
        client.wait(lambda: all(link.credit > 0 for link in senders), "all senders have credit")
        deliveries = [client.send_nowait(link, Message(body=number, durable=True)) for number, link in enumerate(senders)]
        client.wait(lambda: all(delivery.settled for delivery in deliveries), "all are settled")
        for number, link in enumerate(receivers):
            received = client.receive(link)
            self.assertEqual(received.message.body, number)
            client.settle(received, Delivery.ACCEPTED, confirmed=False)

    def test_several_sessions_of_one_connection_work(self):
        client = self.client()
        sessions = [client.connection.session() for _ in range(5)]
        for session in sessions:
            session.open()
        for number, session in enumerate(sessions):
            client.send(client.sender(self.queue, session=session), Message(body=number, durable=True))
        sessions[0].close()
        link = client.receiver(self.queue, session=sessions[1])
        self.assertEqual(self.bodies(client.drain(link)), list(range(5)))

    def test_settled_sends_and_settled_deliveries_work(self):
        client = self.client()
        sender = client.sender(self.queue, presettled=True)
        for number in range(20):
            client.wait(lambda: sender.credit > 0, "credit")
            client.send_nowait(sender, Message(body=number))
        link = client.receiver(self.queue, credit=20, presettled=True)
        for number in range(20):
            received = client.receive(link)
            self.assertEqual(received.message.body, number)
            self.assertTrue(received.delivery.settled)
        other = self.client()
        self.assertEqual(self.drained(other), [])


class Outcomes(InteropTest):
    def dead_letter_of(self, client, body):
        link = client.receiver("DLQ")
        found = client.drain(link, 1000)
        for received in found:
            client.accept(received)
        client.close_link(link)
        mine = [received for received in found if received.message.body == body]
        self.assertEqual(len(mine), 1, f"{body} is in DLQ once")
        return mine[0]

    def test_a_rejected_message_goes_to_the_dead_letter_queue_with_its_story(self):
        client = self.client()
        self.send_all(client, ["bad one", "good one"], annotations={symbol("x-opt-mine"): "kept"}, properties={"colour": "red"})
        link = client.receiver(self.queue, credit=2)
        bad, good = client.receive(link), client.receive(link)
        client.settle(bad, Delivery.REJECTED, condition=("test:ugly", "I do not like it"))
        client.accept(good)
        dead = self.dead_letter_of(client, "bad one").message
        annotations = {str(key): value for key, value in dead.annotations.items()}
        self.assertEqual(annotations["x-opt-giromq-dead-letter-cause"], "rejected")
        self.assertEqual(annotations["x-opt-giromq-dead-letter-origin"], self.queue)
        self.assertIn("test:ugly", annotations["x-opt-giromq-dead-letter-description"])
        self.assertIn("I do not like it", annotations["x-opt-giromq-dead-letter-description"])
        self.assertIn("x-opt-giromq-dead-letter-delivery-count", annotations)
        self.assertAlmostEqual(int(annotations["x-opt-giromq-dead-letter-time"]) / 1000, time.time(), delta=120)
        self.assertEqual(annotations["x-opt-mine"], "kept")
        self.assertEqual(dead.properties["colour"], "red")
        self.assertEqual(self.drained(client), [])

    def test_a_released_message_comes_back_in_its_place_and_does_not_count(self):
        client = self.client()
        self.send_all(client, range(4))
        link = client.receiver(self.queue, credit=2)
        first, second = client.receive(link), client.receive(link)
        client.settle(second, Delivery.RELEASED)
        client.settle(first, Delivery.RELEASED)
        found = client.drain(link, 10)
        self.assertEqual(self.bodies(found), [0, 1, 2, 3])
        self.assertEqual([one.message.delivery_count for one in found], [0, 0, 0, 0])

    def test_a_modified_message_that_failed_counts(self):
        client = self.client()
        self.send_all(client, ["again"])
        link = client.receiver(self.queue)
        for count in range(4):
            received, = client.drain(link, 1)
            self.assertEqual(received.message.delivery_count, count)
            client.settle(received, Delivery.MODIFIED, failed=True)
        received, = client.drain(link, 1)
        client.settle(received, Delivery.MODIFIED, failed=False)
        received, = client.drain(link, 1)
        self.assertEqual(received.message.delivery_count, 4)

    def test_a_message_undeliverable_here_goes_to_another_consumer(self):
        client = self.client()
        self.send_all(client, ["not for me", "for me"])
        mine = client.receiver(self.queue, credit=1)
        client.settle(client.receive(mine), Delivery.MODIFIED, failed=True, undeliverable=True)
        found = client.drain(mine, 10)
        self.assertEqual(self.bodies(found), ["for me"])
        other = client.receiver(self.queue)
        self.assertEqual(self.bodies(client.drain(other, 10)), ["not for me"])

    def test_too_many_failed_deliveries_end_in_the_dead_letter_queue(self):
        client = self.client()
        self.send_all(client, ["poison", "after it"])
        link = client.receiver(self.queue)
        deliveries = 0
        while True:
            received = client.drain(link, 1)
            if not received or received[0].message.body != "poison":
                break
            deliveries += 1
            client.settle(received[0], Delivery.MODIFIED, failed=True)
        self.assertEqual(deliveries, 10)
        self.assertEqual(self.bodies(received), ["after it"])
        annotations = {str(key): value for key, value in self.dead_letter_of(client, "poison").message.annotations.items()}
        self.assertEqual(annotations["x-opt-giromq-dead-letter-cause"], "max-deliveries")
        self.assertEqual(int(annotations["x-opt-giromq-dead-letter-delivery-count"]), 10)

    def test_a_browser_sees_everything_and_takes_nothing(self):
        client = self.client()
        self.send_all(client, range(5))
        browser = client.receiver(self.queue, browse=True)
        self.assertEqual(browser.remote_source.distribution_mode, browser.source.DIST_MODE_COPY)
        found = client.drain(browser, 100)
        self.assertEqual(self.bodies(found), list(range(5)))
        self.assertEqual([one.message.delivery_count for one in found], [0] * 5)
        for one in found:
            one.delivery.settle()
        client.close_link(browser)
        self.assertEqual(self.drained(client), list(range(5)))

    def test_unsettled_deliveries_of_a_broken_connection_are_redelivered_in_order(self):
        client, broken = self.client(), self.client()
        self.send_all(client, range(6))
        link = broken.receiver(self.queue, credit=4)
        for _ in range(4):
            received = broken.receive(link)
        self.assertEqual(received.message.body, 3)
        broken.abort()
        self.wait_until_nothing_is_out()
        link = client.receiver(self.queue, credit=6)
        found = [client.receive(link) for _ in range(6)]
        self.assertEqual(self.bodies(found), [0, 1, 2, 3, 4, 5])
        self.assertTrue(all(one.message.delivery_count > 0 for one in found[:4]), "marked as redelivered")
        self.assertTrue(all(one.message.delivery_count == 0 for one in found[4:]))

    def test_unsettled_deliveries_of_a_closed_link_come_back_unchanged(self):
        client = self.client()
        self.send_all(client, range(3))
        link = client.receiver(self.queue, credit=3)
        for _ in range(3):
            client.receive(link)
        client.close_link(link)
        link = client.receiver(self.queue)
        found = client.drain(link, 10)
        self.assertEqual(self.bodies(found), [0, 1, 2])
        self.assertEqual([one.message.delivery_count for one in found], [0, 0, 0])

    def test_an_acknowledgement_that_is_settled_at_once_counts_as_well(self):
        client = self.client()
        self.send_all(client, range(3))
        link = client.receiver(self.queue, credit=3)
        for _ in range(3):
            client.settle(client.receive(link), Delivery.ACCEPTED, confirmed=False)
        client.close()
        self.assertEqual(self.drained(self.client()), [])


class Expiry(InteropTest):
    def test_a_message_over_its_time_to_live_is_not_delivered(self):
        client = self.client()
        self.send_all(client, ["short"], ttl=0.2)
        self.send_all(client, ["long"], ttl=600)
        time.sleep(0.4)
        self.assertEqual(self.drained(client), ["long"])

    def test_a_message_over_its_absolute_expiry_time_is_not_delivered(self):
        client = self.client()
        self.send_all(client, ["past"], expiry_time=time.time() + 0.2)
        self.send_all(client, ["future"], expiry_time=time.time() + 600)
        time.sleep(0.4)
        self.assertEqual(self.drained(client), ["future"])


class Duplicates(InteropTest):
    def test_an_equal_duplicate_id_is_stored_once(self):
        client = self.client()
        self.send_all(client, ["one"], properties={"GIROMQ_DUPLICATE_ID": "id-1"})
        self.send_all(client, ["the same"], properties={"GIROMQ_DUPLICATE_ID": "id-1"})
        self.send_all(client, ["two"], properties={"GIROMQ_DUPLICATE_ID": "id-2"})
        self.assertEqual(self.drained(client), ["one", "two"])
        self.send_all(client, ["late"], properties={"GIROMQ_DUPLICATE_ID": "id-1"})
        self.assertEqual(self.drained(client), [], "an id is remembered after its message has gone")

    def test_the_id_may_be_a_message_annotation(self):
        client = self.client()
        for body in ("one", "the same"):
            self.send_all(client, [body], annotations={symbol("giromq:duplicate-id"): "id-7"})
        self.assertEqual(self.drained(client), ["one"])

    def test_ids_are_of_one_queue(self):
        client = self.client()
        for queue in (self.queue, self.queue + ".other"):
            self.send_all(client, ["one"], queue, properties={"GIROMQ_DUPLICATE_ID": "id-1"})
            self.assertEqual(self.drained(client, queue), ["one"])

    def test_ids_are_remembered_over_a_crash(self):
        self.send_all(self.client(), ["one"], properties={"GIROMQ_DUPLICATE_ID": "id-1"})
        self.broker.kill()
        self.broker.start()
        client = self.client()
        self.send_all(client, ["the same"], properties={"GIROMQ_DUPLICATE_ID": "id-1"})
        self.assertEqual(self.drained(client), ["one"])


class Restarts(InteropTest):
    def test_persistent_messages_survive_a_crash_and_others_do_not(self):
        client = self.client()
        self.send_all(client, ["kept"])
        self.send_all(client, ["not kept"], durable=False)
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.drained(self.client()), ["kept"])

    def test_a_clean_stop_keeps_messages_and_counts(self):
        client = self.client()
        self.send_all(client, range(3))
        link = client.receiver(self.queue, credit=1)
        client.settle(client.receive(link), Delivery.MODIFIED, failed=True)
        self.assertEqual(self.broker.stop(), 0)
        with self.assertRaises(Disconnected):
            client.wait(lambda: False)
        self.broker.start()
        client = self.client()
        found = client.drain(client.receiver(self.queue), 10)
        self.assertEqual(self.bodies(found), [0, 1, 2])
        self.assertEqual([one.message.delivery_count for one in found], [1, 0, 0])

    def test_delivered_messages_are_marked_after_a_crash_and_others_are_not(self):
        client = self.client()
        self.send_all(client, range(2000))
        link = client.receiver(self.queue, credit=5)
        for _ in range(5):
            client.receive(link)
        self.broker.kill()
        self.broker.start()
        client = self.client()
        link = client.receiver(self.queue, credit=2000)
        found = [client.receive(link) for _ in range(2000)]
        self.assertEqual(self.bodies(found), list(range(2000)))
        self.assertTrue(all(one.message.delivery_count > 0 for one in found[:5]))
        self.assertEqual(found[-1].message.delivery_count, 0, "the horizon is at most 1,000 positions ahead")


if __name__ == "__main__":
    unittest.main()
