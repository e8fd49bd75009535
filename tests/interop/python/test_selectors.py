"""Consumers and browsers with selectors, in SQL and in XML."""

from proton import Delivery, Described, Endpoint, symbol, ulong

from fixture import InteropTest

CODE = ulong(0x0000468C00000004)
SYMBOL = symbol("apache.org:selector-filter:string")
RED = "colour = 'red'"
RED_XML = """<selector xmlns="urn:giromq:selector:1">
  <eq><property name="colour"/><string v="red"/></eq>
</selector>"""
LARGE_XML = """<selector xmlns="urn:giromq:selector:1">
  <ge><body path=".//IntrBkSttlmAmt" as="decimal"/><decimal v="10000.00"/></ge>
</selector>"""


def payment(amount):
    return f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf><CdtTrfTxInf>
<IntrBkSttlmAmt Ccy="EUR">{amount}</IntrBkSttlmAmt></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"""


class Selectors(InteropTest):
    def filters(self, text, descriptor=CODE, key="jms-selector"):
        return {symbol(key): Described(descriptor, text)}

    def send_colours(self, client, count=10):
        for number in range(count):
            self.send_all(client, [number], properties={"colour": "red" if number % 2 == 0 else "green", "number": number})

    def selected(self, client, text, descriptor=CODE, **options):
        link = client.receiver(self.queue, filters=self.filters(text, descriptor), **options)
        self.assertFalse(link.state & Endpoint.REMOTE_CLOSED, link.remote_condition)
        return link, [one.message.body for one in client.drain(link)]

    def refused(self, client, text):
        link = client.default_session.receiver("refused")
        link.source.address = self.queue
        link.source.filter.put_dict(self.filters(text))
        link.open()
        client.wait(lambda: link.state & Endpoint.REMOTE_CLOSED, "the attach is refused")
        self.assertEqual(link.remote_condition.name, "amqp:invalid-field")
        client.close_link(link)
        return link.remote_condition.description

    def test_sql_by_number_and_by_symbol_and_xml_select_the_same(self):
        client = self.client()
        self.send_colours(client)
        for text, descriptor in ((RED, CODE), (RED, SYMBOL), (RED_XML, CODE), (RED_XML, SYMBOL),
                                 ("JMS_GIROMQ_XML = '" + RED_XML + "'", CODE)):
            link, bodies = self.selected(client, text, descriptor, browse=True)
            self.assertEqual(bodies, [0, 2, 4, 6, 8], text)
            client.close_link(link)

    def test_the_filter_is_echoed(self):
        client = self.client()
        for text in (RED, RED_XML):
            link = client.receiver(self.queue, filters=self.filters(text))
            answered = link.remote_source.filter
            answered.rewind()
            self.assertTrue(answered.next())
            echoed = answered.get_dict()
            self.assertEqual([str(key) for key in echoed], ["jms-selector"])
            self.assertEqual(echoed[symbol("jms-selector")].value, text)
            client.close_link(link)

    def test_what_one_does_not_want_stays_in_order_for_others(self):
        client = self.client()
        self.send_colours(client)
        link = client.receiver(self.queue, filters=self.filters("colour = 'red' AND number > 3"))
        taken = client.drain(link)
        self.assertEqual(self.bodies(taken), [4, 6, 8])
        for one in taken:
            client.accept(one)
        self.assertEqual(self.drained(client), [0, 1, 2, 3, 5, 7, 9])

    def test_messages_that_nobody_wants_stall_nobody(self):
        client = self.client()
        link = client.receiver(self.queue, filters=self.filters(RED), credit=5)
        self.send_colours(client)
        self.assertEqual([client.receive(link).message.body for _ in range(5)], [0, 2, 4, 6, 8])
        other = client.receiver(self.queue, filters=self.filters("colour = 'blue'"), credit=5)
        self.send_all(client, ["sky"], properties={"colour": "blue"})
        self.assertEqual(client.receive(other).message.body, "sky")

    def test_a_released_message_is_selected_again(self):
        client = self.client()
        self.send_colours(client, 3)
        link = client.receiver(self.queue, filters=self.filters(RED), credit=2)
        first = client.receive(link)
        client.settle(first, Delivery.RELEASED, confirmed=False)
        client.receive(link)
        link.flow(1)
        self.assertEqual(client.receive(link).message.body, 0)

    def test_headers_are_selected_by_their_jms_names_and_by_those_of_amqp(self):
        client = self.client()
        self.send_all(client, ["one"], subject="greeting", correlation_id="C-1", priority=7)
        self.send_all(client, ["two"], subject="farewell", correlation_id="C-2", priority=2)
        for text in ("JMSType = 'greeting'", "JMSCorrelationID = 'C-1'", "JMSPriority > 5", "amqp.subject = 'greeting'"):
            link, bodies = self.selected(client, text, browse=True)
            self.assertEqual(bodies, ["one"], text)
            client.close_link(link)

    def test_large_payments_are_selected_by_their_body(self):
        client = self.client()
        for amount in ("9999.99", "10000.00", "250000.00", "1.00"):
            self.send_all(client, [payment(amount)])
        link, bodies = self.selected(client, LARGE_XML)
        self.assertEqual(bodies, [payment("10000.00"), payment("250000.00")])

    def test_a_wrong_selector_is_refused_with_line_column_and_reason(self):
        client = self.client()
        self.assertIn("1:5: NULL cannot be compared", self.refused(client, "a = NULL"))
        self.assertIn("2:", self.refused(client, '<selector xmlns="urn:giromq:selector:1">\n<equals/></selector>'))
        self.assertIn("unknown", self.refused(client, "JMS_GIROMQ_SELECTOR = 'unknown'"))
        self.send_all(client, ["the connection lives"])

    def test_the_filter_of_protons_own_api_works(self):
        from proton.reactor import Selector
        from proton.utils import BlockingConnection
        self.send_colours(self.client())
        connection = BlockingConnection(self.broker.url, timeout=15, allowed_mechs="ANONYMOUS")
        receiver = connection.create_receiver(self.queue, credit=10, options=Selector(RED))
        self.assertEqual([receiver.receive(timeout=10).body for _ in range(5)], [0, 2, 4, 6, 8])
        connection.close()

    def test_a_consumer_survives_a_crash_of_the_broker_and_finds_what_it_had(self):
        client = self.client()
        self.send_colours(client)
        link = client.receiver(self.queue, filters=self.filters(RED), credit=3)
        for _ in range(3):
            client.receive(link)
        self.broker.kill()
        self.broker.start()
        again = self.client()
        link = again.receiver(self.queue, filters=self.filters(RED))
        found = again.drain(link)
        self.assertEqual(self.bodies(found), [0, 2, 4, 6, 8])
        self.assertEqual([one.message.delivery_count for one in found[:3]], [1, 1, 1])
