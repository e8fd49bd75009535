"""Local transactions over Proton's own transaction API (proton.reactor.Container.declare_transaction)."""

import unittest

from proton import Message
from proton.handlers import MessagingHandler, TransactionHandler
from proton.reactor import Container

from fixture import InteropTest


class Script(MessagingHandler, TransactionHandler):
    """A connection with a sender and a receiver; `steps` is a generator that is resumed with each thing that happens."""

    def __init__(self, url, queue, steps, settle=False, credit=0):
        MessagingHandler.__init__(self, prefetch=0, auto_accept=False, auto_settle=False)
        TransactionHandler.__init__(self)
        self.url, self.queue, self.credit, self.settle = url, queue, credit, settle
        self.steps = steps(self)
        self.happened = []
        self.failure = None

    def on_start(self, event):
        self.container = event.container
        self.connection = event.container.connect(self.url, reconnect=False, allowed_mechs="ANONYMOUS")
        self.sender = event.container.create_sender(self.connection, self.queue)
        self.receiver = event.container.create_receiver(self.connection, self.queue)
        self.timer = event.container.schedule(20, self)

    def on_timer_task(self, event):
        self.failure = f"nothing happened any more after {self.happened}"
        self.connection.close()

    def on_sendable(self, event):
        if event.sender == self.sender and "ready" not in self.happened:
            self.resume("ready")

    def on_message(self, event):
        self.resume(("message", event.message.body, event.message.delivery_count, event.delivery))

    def on_transaction_declared(self, event):
        self.resume(("declared", event.transaction))

    def on_transaction_committed(self, event):
        self.resume("committed")

    def on_transaction_aborted(self, event):
        self.resume("aborted")

    def on_transaction_commit_failed(self, event):
        self.resume("commit failed")

    def on_transaction_declare_failed(self, event):
        self.resume("declare failed")

    def declare(self):
        self.container.declare_transaction(self.connection, handler=self, settle_before_discharge=self.settle)

    def resume(self, what):
        self.happened.append(what if isinstance(what, str) else what[0])
        try:
            if self.happened == ["ready"]:
                next(self.steps)
            else:
                self.steps.send(what)
        except StopIteration:
            self.timer.cancel()
            self.connection.close()
        except Exception as failure:  # told by the test
            self.failure = failure
            self.timer.cancel()
            self.connection.close()


class Transactions(InteropTest):
    def play(self, steps, **options):
        script = Script(f"amqp://127.0.0.1:{self.broker.port}", self.queue, steps, **options)
        Container(script).run()
        if isinstance(script.failure, Exception):
            raise script.failure
        self.assertIsNone(script.failure)

    def test_what_is_sent_in_a_transaction_is_there_after_the_commit(self):
        def steps(script):
            script.declare()
            _, transaction = yield
            for number in range(10):
                transaction.send(script.sender, Message(body=number, durable=True))
            transaction.commit()
            self.assertEqual((yield), "committed")

        self.play(steps)
        self.assertEqual(self.drained(self.client()), list(range(10)))

    def test_what_is_sent_in_a_transaction_that_is_aborted_is_not_there(self):
        def steps(script):
            script.declare()
            _, transaction = yield
            transaction.send(script.sender, Message(body="never", durable=True))
            transaction.abort()
            self.assertEqual((yield), "aborted")
            script.declare()
            _, second = yield
            second.send(script.sender, Message(body="second", durable=True))
            second.commit()
            self.assertEqual((yield), "committed")

        self.play(steps)
        self.assertEqual(self.drained(self.client()), ["second"])

    def take_and_discharge(self, settle, commit):
        self.send_all(self.client(), ["a"])
        again = []

        def steps(script):
            script.declare()
            _, transaction = yield
            script.receiver.flow(1)
            _, body, count, delivery = yield
            self.assertEqual((body, count), ("a", 0))
            transaction.accept(delivery)
            if commit:
                transaction.commit()
                self.assertEqual((yield), "committed")
            else:
                transaction.abort()
                self.assertEqual((yield), "aborted")
                script.receiver.flow(1)
                _, body, count, delivery = yield
                again.append((body, count))

        self.play(steps, settle=settle)
        return again

    def test_a_message_accepted_in_a_transaction_is_gone_after_the_commit(self):
        for settle in (False, True):
            with self.subTest(settle=settle):
                self.take_and_discharge(settle, commit=True)
                self.assertEqual(self.drained(self.client()), [])

    def test_a_settled_message_comes_back_counted_after_an_abort(self):
        self.assertEqual(self.take_and_discharge(settle=True, commit=False), [("a", 1)])

    def test_an_unsettled_message_is_released_by_the_client_after_an_abort(self):
        # Proton releases it itself: it was its own until then, and has not failed.
        self.assertEqual(self.take_and_discharge(settle=False, commit=False), [("a", 0)])

    def test_a_kill_of_the_broker_rolls_back_what_is_open(self):
        client = self.client()
        self.send_all(client, ["a"])

        def steps(script):
            script.declare()
            _, transaction = yield
            script.receiver.flow(1)
            _, _, _, delivery = yield
            transaction.accept(delivery)
            transaction.send(script.sender, Message(body="never", durable=True))

        self.play(steps)
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.drained(self.client()), ["a"])


if __name__ == "__main__":
    unittest.main()
