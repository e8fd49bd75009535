"""Web consoles as the broker sees them: WebSockets of live figures that watch queues, without a browser."""

import base64
import json
import os
import select
import socket
import struct
import time
import urllib.request

PER_USER = 16  # sockets that one user may have
PASSWORD = "a password for benchmarks"


def put(http, path, body):
    request = urllib.request.Request(http + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status


def masked_text(text):
    """A frame of a client, RFC 6455 section 5.2; a mask of zeros leaves the text as it is."""
    payload = text.encode()
    head = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
    return head + bytes(4) + payload


class Consoles:
    """So many sockets, each watching the same queues. What comes is read and counted."""

    def __init__(self, http, count, queues):
        for queue in queues:
            put(http, f"/api/v1/queues/{queue}", {})
        users = [f"console-{number}" for number in range(-(-count // PER_USER))]
        for user in users:
            put(http, f"/api/v1/users/{user}", {"role": "administrator", "password": PASSWORD})
        host, port = http.removeprefix("http://").rsplit(":", 1)
        self.poll = select.epoll()
        self.sockets = {}
        self.received = 0
        for number in range(count):
            connection = self.open(host, int(port), users[number // PER_USER])
            connection.sendall(masked_text(json.dumps({"type": "watch", "queues": queues})))
            connection.setblocking(False)
            self.sockets[connection.fileno()] = connection
            self.poll.register(connection.fileno(), select.EPOLLIN)

    @staticmethod
    def open(host, port, user):
        connection = socket.create_connection((host, port), timeout=60)
        login = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall((f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Basic {login}\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(4096)
            if not part:
                break
            answer += part
        if not answer.startswith(b"HTTP/1.1 101"):
            raise OSError(f"no WebSocket: {answer[:200]!r}")
        return connection

    def read_for(self, seconds):
        """How many bytes have come; an OSError if a socket has ended."""
        before, until = self.received, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for descriptor, _ in self.poll.poll(left):
                part = self.sockets[descriptor].recv(65536)
                if not part:
                    raise OSError("the broker has ended a socket")
                self.received += len(part)
        return self.received - before

    def close(self):
        for connection in self.sockets.values():
            connection.close()
        self.poll.close()
