"""clients.py ADDRESS USER PASSWORD COUNT: rejects so many messages of payments.out, connects clients with a consumer and a producer each,
says that they are there, and stays until its standard input is closed."""

import os
import sys
import threading

from proton import Delivery
from proton.handlers import MessagingHandler
from proton.reactor import Container, Selector

CONNECTIONS = 4


class Clients(MessagingHandler):
    def __init__(self, address, user, password, count):
        super().__init__(prefetch=0, auto_accept=False)
        self.url, self.user, self.password, self.left, self.opened = f"amqp://{address}", user, password, count, 0

    def connect(self, container):
        return container.connect(self.url, user=self.user, password=self.password, reconnect=False, heartbeat=30)

    def on_start(self, event):
        self.rejecting = event.container.create_receiver(self.connect(event.container), "payments.out")
        self.rejecting.flow(self.left)

    def on_message(self, event):
        event.delivery.update(Delivery.REJECTED)
        event.delivery.settle()
        self.left -= 1
        if self.left == 0:
            self.rejecting.connection.close()
            self.settle_down(event.container)

    def settle_down(self, container):
        for number in range(CONNECTIONS):
            connection = self.connect(container)
            container.create_sender(connection, "payments.in", name=f"sender-{number}")
            options = Selector("currency = 'EUR'") if number % 2 else None
            container.create_receiver(connection, "changed", name=f"receiver-{number}", options=options)

    def on_link_opened(self, event):
        self.opened += 1
        if self.opened == 1 + 2 * CONNECTIONS:
            print("ready", flush=True)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
Container(Clients(*sys.argv[1:4], int(sys.argv[4]))).run()
