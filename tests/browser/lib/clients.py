"""clients.py HOST AMQP-PORT AMQPS-PORT CA-FILE USER PASSWORD-FILE: fills queues, lets messages become dead letters, and then stays, with
clients that are connected and a light traffic, until its standard input is closed. It says "ready" when all is there.

Whatever a client may choose (its id, names of links, properties, selectors, reasons) has markup and characters that turn text around: the
console must show all of it, and do nothing."""

import os
import sys
import threading

from proton import Condition, Delivery, Endpoint, Message, SSLDomain
from proton.handlers import MessagingHandler
from proton.reactor import Container, LinkOption, Selector

TURNED = "\u202egnp.exe\u202c"
HOSTILE = f"<img src=x onerror=alert(1)>{TURNED}"
CONNECTIONS = 4
TRAFFIC_PERIOD_S = 0.02
CURRENCIES = ("EUR", "CHF", "USD")


def payment(index):
    currency = CURRENCIES[index % 3]
    if index % 4 == 3:
        kind, body = "application/json", f'{{"amount": {index}.5, "currency": "{currency}", "lines": ["<script>alert(1)</script>"]}}'
    else:
        kind, body = "application/xml", (
            f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.10"><FIToFICstmrCdtTrf><GrpHdr><MsgId>MSG-{index}</MsgId>'
            f"<NbOfTxs>1</NbOfTxs></GrpHdr><CdtTrfTxInf><IntrBkSttlmAmt Ccy=\"{currency}\">{index}.00</IntrBkSttlmAmt>"
            "<Dbtr><Nm>Müller &amp; Söhne</Nm></Dbtr><!-- <script>alert(1)</script> --></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>")
    return Message(id=f"payment-{index}", correlation_id=f"order-{index}", content_type=kind, subject="pacs.008", durable=True,
                   properties={"currency": currency, "branch": index % 7, "urgent": index % 5 == 0}, body=body)


def hostile_message():
    body = f'<a onclick="alert(1)">{HOSTILE}<![CDATA[</pre><script>alert(1)</script>]]></a>'
    return Message(id=HOSTILE, correlation_id=HOSTILE, subject=HOSTILE, reply_to=HOSTILE, group_id=HOSTILE, content_type="application/xml",
                   durable=True, properties={HOSTILE: HOSTILE, "javascript:alert(1)": "\u0000\u001b[31m\u2066\u2069"}, body=body)


class QueueName(LinkOption):
    """The name of a queue as it is: an address of proton's own would be taken for a URL."""

    def __init__(self, name):
        self.name = name

    def apply(self, link):
        (link.target if link.is_sender else link.source).address = self.name


class Clients(MessagingHandler):
    def __init__(self, host, amqp, amqps, ca_file, user, password):
        super().__init__(prefetch=0, auto_accept=False)
        self.plain, self.encrypted = f"amqp://{host}:{amqp}", f"amqps://{host}:{amqps}"
        self.tls = SSLDomain(SSLDomain.MODE_CLIENT)
        self.tls.set_trusted_ca_db(ca_file)
        self.tls.set_peer_authentication(SSLDomain.VERIFY_PEER)  # proton compares names only, and this is an address
        self.login = {"user": user, "password": password, "reconnect": False, "heartbeat": 30}
        self.waiting = {}  # sender -> messages that it has not sent yet
        self.unsettled = self.unrejected = self.opened = 0
        self.traffic = None

    def connect(self, container, name, url=None):
        container.container_id = name
        return container.connect(url or self.plain, ssl_domain=self.tls if url else None, **self.login)

    def on_start(self, event):
        self.filling = self.connect(event.container, "filling")
        dead = [payment(index) for index in range(16)] + [hostile_message()]
        self.unrejected = len(dead)
        fills = {"payments.in": [payment(index) for index in range(120)], "payments.out": dead, "purged": [payment(1)] * 5,
                 HOSTILE: [hostile_message(), payment(1)], "settlement.eur.0042": [payment(index) for index in range(40)]}
        fills |= {f"settlement.chf.{number:04d}": [payment(number)] * (25 - number) for number in range(0, 25, 3)}
        for queue, messages in fills.items():
            self.waiting[event.container.create_sender(self.filling, None, options=QueueName(queue))] = messages
            self.unsettled += len(messages)

    def on_sendable(self, event):
        messages = self.waiting.get(event.sender, [])
        while messages and event.sender.credit:
            event.sender.send(messages.pop(0))

    def on_settled(self, event):
        if event.sender not in self.waiting:
            return
        self.unsettled -= 1
        if self.unsettled == 0:
            event.container.create_receiver(self.filling, "payments.out").flow(self.unrejected)

    def on_message(self, event):
        if event.receiver.source.address != "payments.out":
            self.accept(event.delivery)
            event.receiver.flow(1)
            return
        event.delivery.local.condition = Condition("bank:unknown-account", f"No such account: {HOSTILE}")
        event.delivery.update(Delivery.REJECTED)
        event.delivery.settle()
        self.unrejected -= 1
        if self.unrejected == 0:
            self.filling.close()
            self.stay(event.container)

    def stay(self, container):
        for number in range(CONNECTIONS):
            connection = self.connect(container, f"ledger-{number + 1}", self.encrypted if number == 0 else None)
            container.create_sender(connection, "payments.in", name=f"sender-{number}")
            options = Selector("currency = 'EUR' OR branch = '<b onmouseover=alert(1)>'") if number % 2 else None
            container.create_receiver(connection, "changed", name=f"receiver-{number}", options=options).flow(10)
        # What follows has names that nobody should believe.
        connection = self.connect(container, HOSTILE)
        container.create_sender(connection, "payments.in", name=f"{HOSTILE}-sender")
        container.create_receiver(connection, "changed", name=f"{HOSTILE}-receiver").flow(1)
        self.traffic = container.create_sender(self.connect(container, "gateway"), "traffic", name="traffic-in")
        container.create_receiver(self.connect(container, "archive"), "traffic", name="traffic-out").flow(200)

    def on_link_error(self, event):
        self.fail(event.link.remote_condition)

    def on_connection_error(self, event):
        self.fail(event.connection.remote_condition)

    def on_connection_remote_close(self, event):
        event.connection.close()  # proton would wait for the end of the socket

    def on_transport_error(self, event):
        self.fail(event.transport.condition)

    def fail(self, condition):
        if self.opened:  # tests close links and connections
            return
        print(f"clients.py: {condition}", file=sys.stderr, flush=True)
        os._exit(1)

    def on_link_opened(self, event):
        if self.traffic is None:
            return
        self.opened += 1
        if self.opened == 2 * CONNECTIONS + 4:
            print("ready", flush=True)
            event.container.schedule(TRAFFIC_PERIOD_S, self)

    def on_timer_task(self, event):
        if self.traffic.state & Endpoint.REMOTE_ACTIVE and self.traffic.credit:
            self.traffic.send(payment(1))
        event.container.schedule(TRAFFIC_PERIOD_S, self)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def main():
    host, amqp, amqps, ca_file, user, password_file = sys.argv[1:]
    with open(password_file, encoding="utf-8") as file:
        password = file.readline().strip()
    threading.Thread(target=end_with_input, daemon=True).start()
    Container(Clients(host, amqp, amqps, ca_file, user, password)).run()


main()
