#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into tests/fuzz/corpus. They are kept in the tree; this says what the bytes mean.

The seeds are small, valid inputs that reach deep: whole conversations of AMQP 1.0 frames, messages with every section, exchanges of
SCRAM, configurations. Files that are not written here (found by fuzzing, kept for regression) stay.
"""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
EXAMPLES = CORPUS.parent.parent.parent / "schemas" / "examples"

NULL, TRUE, FALSE, LIST0, UINT0, ULONG0 = b"\x40", b"\x41", b"\x42", b"\x45", b"\x43", b"\x44"


def uint(value):
    return UINT0 if value == 0 else b"\x52" + bytes([value]) if value < 256 else b"\x70" + struct.pack(">I", value)


def ulong(value):
    return ULONG0 if value == 0 else b"\x53" + bytes([value]) if value < 256 else b"\x80" + struct.pack(">Q", value)


def ubyte(value):
    return b"\x50" + bytes([value])


def ushort(value):
    return b"\x60" + struct.pack(">H", value)


def timestamp(value):
    return b"\x83" + struct.pack(">q", value)


def _variable(small, large, content):
    return bytes([small, len(content)]) + content if len(content) < 256 else bytes([large]) + struct.pack(">I", len(content)) + content


def string(text):
    return _variable(0xA1, 0xB1, text.encode())


def symbol(text):
    return _variable(0xA3, 0xB3, text.encode())


def binary(content):
    return _variable(0xA0, 0xB0, content)


def _compound(small, large, count, content):
    if len(content) + 1 < 256 and count < 256:
        return bytes([small, len(content) + 1, count]) + content
    return bytes([large]) + struct.pack(">II", len(content) + 4, count) + content


def array_of(items):
    return _compound(0xC0, 0xD0, len(items), b"".join(items)) if items else LIST0


def mapping(pairs):
    return _compound(0xC1, 0xD1, 2 * len(pairs), b"".join(key + value for key, value in pairs))


def symbols(*texts):
    """An array of symbols (§1.6.24)."""
    content = b"\xa3" + b"".join(bytes([len(text)]) + text.encode() for text in texts)
    return bytes([0xE0, len(content) + 1, len(texts)]) + content


def described(code, value):
    return b"\x00" + b"\x53" + bytes([code]) + value


def performative(code, *fields):
    return described(code, array_of(list(fields)))


def frame(body, channel=0, kind=0):
    return struct.pack(">IBBH", 8 + len(body), 2, kind, channel) + body


AMQP_HEADER, SASL_HEADER, TLS_HEADER = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00", b"AMQP\x02\x01\x00\x00"
OPEN = frame(performative(0x10, string("seed"), string("localhost"), uint(65536), ushort(255), uint(30000)))
BEGIN = frame(performative(0x11, NULL, uint(0), uint(2048), uint(2048), uint(255)))
SOURCE, TARGET = performative(0x28, string("payments.in")), performative(0x29, string("payments.in"))
SENDER = frame(performative(0x12, string("sender"), uint(0), FALSE, ubyte(2), ubyte(0), SOURCE, TARGET, NULL, NULL, uint(0)))
RECEIVER = frame(performative(0x12, string("receiver"), uint(1), TRUE, ubyte(2), ubyte(0), SOURCE, TARGET))
FLOW = frame(performative(0x13, uint(0), uint(2048), uint(1), uint(2048), uint(1), uint(0), uint(10), NULL, FALSE))
DRAIN = frame(performative(0x13, uint(0), uint(2048), uint(1), uint(2048), uint(1), uint(0), uint(10), NULL, TRUE))
DISPOSITION = frame(performative(0x15, TRUE, uint(0), uint(0), TRUE, described(0x24, LIST0)))
REJECTION = frame(performative(0x15, TRUE, uint(0), uint(0), TRUE, performative(0x25, performative(0x1D, symbol("a:b"), string("no")))))
DETACH, END, CLOSE = frame(performative(0x16, uint(0), TRUE)), frame(performative(0x17)), frame(performative(0x18))
EMPTY = frame(b"")

HEADER = performative(0x70, TRUE, ubyte(4), uint(60000))
DELIVERY_ANNOTATIONS = described(0x71, mapping([(symbol("giromq:producer-id"), string("p1")), (symbol("giromq:sequence"), ulong(1))]))
MESSAGE_ANNOTATIONS = described(0x72, mapping([(symbol("x-opt-jms-msg-type"), b"\x51\x05"), (symbol("giromq:duplicate-id"), string("d1"))]))
PROPERTIES = performative(0x73, string("ID:1"), binary(b"user"), string("payments.in"), string("subject"), string("reply"), ulong(7),
                          symbol("text/plain"), NULL, timestamp(1900000000000), timestamp(1800000000000), string("group"), uint(3))
APPLICATION = described(0x74, mapping([(string("GIROMQ_DUPLICATE_ID"), string("d1")), (string("amount"), ulong(1234)),
                                       (string("urgent"), TRUE), (string("rate"), b"\x82" + struct.pack(">d", 1.5))]))
DATA, VALUE = described(0x75, binary(b"payment" * 3)), described(0x77, string("payment"))
SEQUENCE = described(0x76, array_of([string("a"), mapping([(string("k"), array_of([NULL, TRUE]))])]))
FOOTER = described(0x78, mapping([(symbol("x-checksum"), uint(1))]))


def transfer(message, more=FALSE, handle=0, number=0, state=None):
    fields = [uint(handle), uint(number), binary(b"t"), uint(0), FALSE, more] + ([NULL, state] if state else [])
    return frame(performative(0x14, *fields) + message)


# Transactions (AMQP 1.0 part 4), and branches of global ones (docs/protocol-xa.md), with the ids that a new broker gives.
LOCAL, BRANCH = 2, 3
CONTROL = frame(performative(0x12, string("control"), uint(2), FALSE, ubyte(0), ubyte(0), performative(0x28),
                             performative(0x30, symbols("giromq:xa")), NULL, NULL, uint(0)))


def transaction_id(number):
    return binary(struct.pack(">Q", number))


def composite(name, *fields):
    return b"\x00" + symbol(name) + array_of(list(fields))


def control(value):
    return described(0x77, value)


XID = composite("giromq:xid:list", b"\x71\x00\x02\x00\x05", binary(b"\x01\x02"), binary(b"\x03"))
DECLARE = control(performative(0x31))
DISCHARGE, ROLL_BACK = (control(performative(0x32, transaction_id(LOCAL), fail)) for fail in (FALSE, TRUE))


def start(mode, *timeout):
    return control(performative(0x31, composite("giromq:xa-branch:list", XID, symbol(mode), *timeout)))


def call(name, *fields):
    return control(composite(f"giromq:xa-{name}:list", *fields))


IN_LOCAL, IN_BRANCH = performative(0x34, transaction_id(LOCAL)), performative(0x34, transaction_id(BRANCH))
ACQUIRING = frame(performative(0x13, uint(0), uint(2048), uint(3), uint(2048), uint(1), uint(0), uint(10), NULL, FALSE, FALSE,
                               mapping([(symbol("txn-id"), transaction_id(LOCAL))])))
END_BRANCH = control(performative(0x32, transaction_id(BRANCH), FALSE))
CALLS = {
    "declare": DECLARE,
    "discharge": ROLL_BACK,
    "start": start("new", uint(60000)),
    "join": start("join"),
    "suspend": call("suspend", transaction_id(BRANCH), TRUE),
    "prepare": call("prepare", XID),
    "commit": call("commit", XID, TRUE, FALSE),
    "rollback": call("rollback", XID),
    "forget": call("forget", XID),
    "recover": call("recover", XID, uint(100)),
    "recover_all": call("recover"),
    "timeout": call("timeout", XID, uint(1000)),
}


def conversation(*messages, first=0):
    """Calls on the control link, one after the other."""
    return b"".join(transfer(message, handle=2, number=first + number) for number, message in enumerate(messages))


def sasl(mechanism, response, *later):
    first = frame(performative(0x41, symbol(mechanism), binary(response), string("localhost")), kind=1)
    return SASL_HEADER + first + b"".join(frame(performative(0x43, binary(one)), kind=1) for one in later)


SCRAM_FIRST = "n,,n=user,r=client"
SCRAM_FINAL = "c=biws,r=clientserver,p=" + "A" * 43 + "="

MESSAGES = {
    "whole": HEADER + DELIVERY_ANNOTATIONS + MESSAGE_ANNOTATIONS + PROPERTIES + APPLICATION + DATA + DATA + FOOTER,
    "value": PROPERTIES + VALUE,
    "sequence": HEADER + MESSAGE_ANNOTATIONS + SEQUENCE + SEQUENCE,
    "large_binary": PROPERTIES + described(0x75, binary(bytes(range(256)) * 2)),
    "no_body": HEADER + PROPERTIES,
    "symbolic_descriptor": b"\x00" + symbol("amqp:amqp-value:*") + string("payment"),
    "nested": described(0x77, array_of([array_of([array_of([mapping([(string("k"), symbols("a", "b"))])])])])),
}
CONVERSATIONS = {
    "anonymous": sasl("ANONYMOUS", b"seed") + AMQP_HEADER + OPEN + BEGIN + SENDER + transfer(MESSAGES["whole"]) + EMPTY
                 + DETACH + END + CLOSE,
    "plain": sasl("PLAIN", b"\0user\0password") + AMQP_HEADER + OPEN + CLOSE,
    "scram": sasl("SCRAM-SHA-256", SCRAM_FIRST.encode(), SCRAM_FINAL.encode()) + AMQP_HEADER + OPEN,
    "receiver": AMQP_HEADER + OPEN + BEGIN + RECEIVER + FLOW + DISPOSITION + DRAIN + REJECTION + CLOSE,
    "multi_frame": AMQP_HEADER + OPEN + BEGIN + SENDER + transfer(MESSAGES["value"][:9], TRUE) + transfer(MESSAGES["value"][9:]) + DETACH,
    "two_sessions": AMQP_HEADER + OPEN + BEGIN + frame(performative(0x11, NULL, uint(0), uint(1), uint(1)), channel=1) + END,
    "tls": TLS_HEADER,
    "other_protocol": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
# What follows an anonymous greeting and the open frame; the first byte says in which pieces it comes. In one piece it would break the
# protocol: nothing may be transferred before the broker has told its window.
PIECES = b"\x04"
SESSIONS = {
    "session_producer": PIECES + BEGIN + SENDER + transfer(MESSAGES["whole"]) + transfer(MESSAGES["value"], number=1) + DETACH
                        + END + CLOSE,
    "session_consumer": PIECES + BEGIN + SENDER + transfer(MESSAGES["value"]) + RECEIVER + FLOW + DISPOSITION + DRAIN + CLOSE,
    "session_rejects": PIECES + BEGIN + SENDER + transfer(MESSAGES["value"]) + RECEIVER + FLOW + REJECTION + END + CLOSE,
    "session_bytewise": b"\x00" + BEGIN + SENDER + transfer(MESSAGES["sequence"]) + EMPTY + CLOSE,
    "session_multi_frame": b"\x02" + BEGIN + SENDER + transfer(MESSAGES["value"][:9], TRUE) + transfer(MESSAGES["value"][9:]) + DETACH,
    "session_relay": PIECES + BEGIN + frame(performative(0x12, string("relay"), uint(0), FALSE, ubyte(0), ubyte(0), SOURCE,
                                                         performative(0x29, NULL), NULL, NULL, uint(0))) + transfer(MESSAGES["whole"]),
    "session_transaction": PIECES + BEGIN + SENDER + RECEIVER + CONTROL + transfer(MESSAGES["value"]) + conversation(DECLARE, first=1)
                           + transfer(MESSAGES["whole"], number=2, state=IN_LOCAL) + ACQUIRING
                           + frame(performative(0x15, TRUE, uint(0), uint(0), TRUE,
                                                performative(0x34, transaction_id(LOCAL), described(0x24, LIST0))))
                           + conversation(DISCHARGE, ROLL_BACK, first=3) + CLOSE,
    "session_branch": PIECES + BEGIN + SENDER + RECEIVER + CONTROL + conversation(CALLS["start"])
                      + transfer(MESSAGES["whole"], number=1, state=IN_BRANCH)
                      + conversation(CALLS["timeout"], CALLS["suspend"], start("resume"), END_BRANCH, CALLS["prepare"],
                                     CALLS["recover_all"], call("commit", XID), CALLS["recover"], CALLS["rollback"], CALLS["forget"],
                                     first=2) + FLOW + CLOSE,
    "session_dynamic": PIECES + BEGIN + frame(performative(0x12, string("reply"), uint(0), TRUE, ubyte(2), ubyte(0),
                                                           performative(0x28, NULL, uint(0), NULL, uint(0), TRUE), TARGET)) + FLOW + CLOSE,
}
SCRAM = {
    "exchange": f"{SCRAM_FIRST}\n{SCRAM_FINAL}",
    "unknown_user": SCRAM_FIRST.replace("user", "nobody") + "\n" + SCRAM_FINAL,
    "authorization_id": f"n,a=other,n=user,r=client\n{SCRAM_FINAL.replace('biws', 'bixhPW90aGVyLA==')}",
    "escaped_name": f"n,,n=us=2Cer=3D,r=client\n{SCRAM_FINAL}",
    "extension": "n,,n=user,r=client,x=1\n" + SCRAM_FINAL.replace(",p=", ",x=1,p="),
    "channel_binding": "p=tls-unique,,n=user,r=client\n",
    "only_first": SCRAM_FIRST,
}


XML = {
    "doctype.xml": '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d SYSTEM "file:///etc/hostname">]>\n<a>&b;&d;</a>\n',
    "character_references.xml": '<?xml version="1.0" encoding="UTF-8"?>\n'
                                '<a b="&#x20ac;&lt;">&amp;&#10;<![CDATA[<c>]]><!-- d --><?e f?></a>\n',
    "utf16.xml": '<a b="\u20ac"/>'.encode("utf-16"),
    "latin1.xml": '<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e4</a>'.encode("latin-1"),
}


SELECTORS_SQL = {
    "car": "JMSType = 'car' AND color = 'blue' AND weight > 2500",
    "payments": "DECIMAL(price) * qty >= DECIMAL '10000.00' AND ccy IN ('EUR','CHF') AND JMSTimestamp < TIMESTAMP '2026-12-31T23:59:59Z'",
    "bodies": "DECIMAL(XPATH('Doc/Amt/@value')) > DECIMAL '0.10' OR JSON('/order/id') LIKE 'A\\_%' ESCAPE '\\'",
    "patterns": "MATCHES(bic, '[A-Z]{4}DE[A-Z0-9]{2}(\\p{L}|\\d+)?[a-z-[aeiou]]*') OR NOT (b NOT LIKE '%x_')",
    "numbers": "-a + +b - 0x1F / .5e-3 * 017 <> 1_000L AND c BETWEEN -9223372036854775808 AND 7.f OR d NOT BETWEEN 1 AND 2",
    "logic": "(a IS NULL OR NOT b IS NOT NULL) AND (TRUE OR flag) AND PROPERTY('x-y') = 'it''s'",
    "times": "TIMESTAMP(t) + DURATION 'P1M2DT3H4M5.6S' > TIMESTAMP '2024-02-29T24:00:00+01:00'",
    "carrier": "JMS_GIROMQ_XML = '<selector xmlns=\"urn:giromq:selector:1\"><isTrue><property name=\"a\"/></isTrue></selector>'",
}


def selector_xml(content):
    return f'<selector xmlns="urn:giromq:selector:1">{content}</selector>'


SELECTORS_XML = {
    "and": selector_xml('<and><eq><header name="type"/><string v="car"/></eq>'
                        '<gt><property name="w" as="long"/><long v="2500"/></gt></and>'),
    "tests": selector_xml('<or><in><property name="a"/><string v="b"/><string v="&#10;&lt;"/></in>'
                          '<like pattern="a!%" escape="!"><body path="a/@b"/></like><not><isNull><body pointer="/a/0"/></isNull></not>'
                          '<matches pattern="[a-z]+"><property name="c"/></matches></or>'),
    "values": selector_xml('<between><add><mul><property name="p" as="decimal"/><decimal v="1.10"/></mul><neg><double v="1E3"/></neg></add>'
                           '<div><long v="-1"/><pos><long v="2"/></pos></div>'
                           '<sub><dateTime v="2026-01-01T00:00:00Z"/><duration v="P1D"/></sub></between>'),
    "doctype": '<!DOCTYPE selector [<!ENTITY a "b">]>' + selector_xml('<isTrue><property name="&a;"/></isTrue>'),
}

# A selector, a NUL, and a message.
_PROPERTIES = array_of([string("ID:1"), NULL, NULL, string("car"), NULL, NULL, NULL, NULL, NULL, timestamp(1700000000000)])
_APPLICATION = mapping([(string("color"), string("blue")), (string("weight"), b"\x71\x00\x00\x0b\xb8"), (string("flag"), TRUE),
                        (string("price"), string("10.10")), (string("ratio"), b"\x82\x3f\xf8\x00\x00\x00\x00\x00\x00")])
_MESSAGE = described(0x73, _PROPERTIES) + described(0x74, _APPLICATION)
SELECTED = {
    "properties": SELECTORS_SQL["car"].encode() + b"\x00" + _MESSAGE + described(0x75, binary(b"x")),
    "arithmetic": b"DECIMAL(price) * 3 > ratio + weight / 7 OR flag\x00" + _MESSAGE + described(0x77, string("x")),
    "json": b"JSON('/a/0/b') = 1.5 OR DECIMAL(JSON('/c')) = DECIMAL '2.50'\x00"
            + described(0x75, binary(b'{"a":[{"b":1.5e0,"x":"\\u00e9\\n"}],"c":2.50,"d":[true,null]}')),
    "xml": b"XPATH('.//Amt/@Ccy') = 'EUR' AND DECIMAL(XPATH('D/A/Amt')) > 1\x00"
           + described(0x77, string('<?xml version="1.0"?><D xmlns="urn:d" xmlns:p="urn:p"><!-- c --><A p:b="&#65;"><Amt Ccy="EUR">'
                                    "10.<![CDATA[10]]></Amt></A>&amp;<?pi?></D>")),
}


BODIES = {
    "plain.xml": '<?xml version="1.0" encoding="UTF-8"?>\n<a xmlns="urn:n" x="1"><!-- c --><b y="&lt;">t&amp;</b><c Ccy=\'EUR\'/>10</a>\n',
    "prefixes.xml": '<p:a xmlns:p="urn:n" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="q"><p:b p:x="2"/></p:a>',
    "unusual.xml": "<a><![CDATA[x]]>&#65;<?pi y?><b>\r\n</b></a>",
    "doctype.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "lines.json": '{"a":[1.5e-3,"\\u00e9\\n",true,null,{}],"b":-0,"":"\\ud83d\\ude00"}',
}


def http_request(first, headers=(), body=""):
    """The first byte of an input says in pieces of what size the rest comes."""
    return "\x07" + "\r\n".join([first, "Host: localhost:8161", *headers, "", body])


HTTP = {
    "get": http_request("GET /api/v1/queues/a%2Fb?limit=10&cursor=6162 HTTP/1.1", ["Authorization: Basic YW5uYTpzZWNyZXQ="]),
    "put": http_request("PUT /api/v1/queues/q HTTP/1.1",
                        ["Content-Type: application/json", "Content-Length: 2", "Origin: http://localhost:8161"], "{}"),
    "pipelined": http_request("GET /livez HTTP/1.1", ["Cookie: a=b; __Host-giromq=0123456789abcdef; c=\"d\""])
                 + "GET http://localhost:8161/readyz?verbose HTTP/1.1\r\nHost: localhost:8161\r\n\r\n",
    "chunked": http_request("POST /api/v1/configuration/diff?prune=true HTTP/1.1",
                            ["Content-Type: application/xml; charset=utf-8", "Transfer-Encoding: chunked", "Expect: 100-continue"],
                            "4;a=b\r\n<a/>\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    "both_lengths": http_request("POST / HTTP/1.1", ["Content-Length: 5", "Transfer-Encoding: chunked"],
                                 "0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    "old": "\x01HEAD /console/assets/x.js HTTP/1.0\r\nHost: [::1]:8161\r\nAccept-Encoding: br;q=0.5, gzip;q=0, *\r\n"
           "Connection: keep-alive\r\n\r\n",
    "web_socket": http_request("GET /api/v1/events HTTP/1.1",
                               ["Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-Fetch-Site: same-origin"]),
}


def rest(first, body="", kind="application/json", headers=()):
    return "\x02" + "\n".join([first, *([f"content-type: {kind}"] if body else []), *headers, "", body])


REST = {
    "queue_put": rest("PUT /api/v1/queues/new", '{"maxMessages":10,"overflow":"hold","strict":true,"deadLetterQueue":"d"}'),
    "queue_patch": rest("PATCH /api/v1/queues/q", '{"maxDeliveries":3}', headers=["if-match: *"]),
    "queue_list": rest("GET /api/v1/queues?name=Q&sort=-messages&origin=administrator&state=running&limit=2"),
    "queue_pause": rest("POST /api/v1/queues/q/pause", '{"receive":true,"send":false}'),
    "message_send": rest("POST /api/v1/queues/q/messages",
                         '{"messageId":"m","correlationId":"c","type":"t","priority":9,"durable":false,"timeToLiveMs":1000,'
                         '"contentType":"text/xml",'
                         '"properties":[{"name":"a","type":"string","value":"\\u00e9"},{"name":"b","type":"double","value":1.5},'
                         '{"name":"c","type":"boolean","value":true}],"body":{"kind":"bytes","base64":"AAEC"}}',
                         headers=["idempotency-key: k"]),
    "message_list": rest("GET /api/v1/queues/q/messages?selector=p%20%3D%201&syntax=sql&limit=5"),
    "message_show": rest("GET /api/v1/queues/q/messages/1?body=text&bodyBytesMax=10"),
    "message_move": rest("POST /api/v1/queues/q/messages/move", '{"selector":"p = 1","to":"d","limit":5}'),
    "message_copy": rest("POST /api/v1/queues/q/messages/copy", '{"ids":["1","2"],"to":"d"}'),
    "message_retry": rest("POST /api/v1/queues/q/messages/retry", '{"all":true,"dryRun":true}'),
    "message_delete": rest("POST /api/v1/queues/q/messages/delete", '{"all":true}'),
    "user_put": rest("PUT /api/v1/users/anna", '{"role":"operator"}'),
    "permission_add": rest("POST /api/v1/permissions",
                           '{"grantee":{"kind":"role","name":"operator"},"pattern":"a.*.#","actions":["move","purge"]}'),
    "permission_check": rest("GET /api/v1/permissions/check?user=anonymous&action=send&destination=q"),
    "selector_put": rest("PUT /api/v1/selectors/s", '{"text":"a LIKE \'x%\'"}'),
    "session_open": rest("POST /api/v1/session", '{"user":"anna","password":"secret"}'),
    "transaction": rest("POST /api/v1/transactions/1:0a0b:0c/rollback", '{"reason":"the manager is gone"}'),
    "history": rest("GET /api/v1/history?series=messages,bytes&range=1d"),
    "cursor": rest("GET /api/v1/operations?limit=1&cursor=31", headers=["cookie: __Host-giromq=0123456789abcdef"]),
    "reload": rest("POST /api/v1/configuration/reload"),
    "definitions_diff": rest("POST /api/v1/configuration/diff?prune=true",
                             '<definitions xmlns="urn:giromq:definitions:1"/>', "application/xml"),
    "watch": '\x00{"type":"watch","queues":["q","unknown"]}\n{"type":"watch","queues":[]}',
    "watch_wrong": '\x00{"type":"watch","queues":[1]}',
    "definitions": '\x01<definitions xmlns="urn:giromq:definitions:1"><queues max-deliveries="3"><queue name="a&amp;"'
                   ' dead-letter-queue="b"/>'
                   '<queue name="b" max-bytes="1024" strict="true"/></queues><selectors><selector name="s">a &lt; 5</selector></selectors>'
                   '<users><user name="u" role="auditor" password="env:X"/></users>'
                   '<permissions><permission role="application" pattern="a.#"'
                   ' actions="send receive"/>'
                   '<permission user="anonymous" pattern="*" actions="browse"/></permissions></definitions>',
    "definitions_prune": '\x01<definitions xmlns="urn:giromq:definitions:1"><queues/><permissions/></definitions>',
}


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    write("message_sections", MESSAGES)
    write("control_message", CALLS)
    write("frame_guard", CONVERSATIONS)
    write("frame_guard", SESSIONS)
    write("scram", SCRAM)
    write("xml_config", XML)
    write("xml_config", {path.name: path.read_bytes() for path in EXAMPLES.glob("*.xml")})
    write("selector_sql", SELECTORS_SQL)
    write("selector_xml", SELECTORS_XML)
    write("selector_evaluation", SELECTED)
    write("selector_differential", {f"random_{seed}": bytes((seed * 131 + place * place * 29 + place // 7) % 256 for place in range(400))
                                    for seed in range(8)})
    write("selector_body", BODIES)
    write("http", HTTP)
    write("rest", REST)
