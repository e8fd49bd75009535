"""SASL by Cyrus (libsasl2) over a plain socket: Debian builds Proton without it, and SCRAM needs a client nobody here wrote, too."""

import ctypes
import ctypes.util
import socket
import struct

from proton import Data, Described, symbol, ulong

SASL_OK, SASL_CONTINUE, SASL_INTERACT = 0, 1, 2
CB_USER, CB_AUTHNAME, CB_PASS = 0x4001, 0x4002, 0x4004
MECHANISMS, INIT, CHALLENGE, RESPONSE, OUTCOME = range(0x40, 0x45)


class _Interact(ctypes.Structure):
    _fields_ = [("id", ctypes.c_ulong), ("challenge", ctypes.c_char_p), ("prompt", ctypes.c_char_p), ("defresult", ctypes.c_char_p),
                ("result", ctypes.c_void_p), ("len", ctypes.c_uint)]


class _Callback(ctypes.Structure):
    _fields_ = [("id", ctypes.c_ulong), ("procedure", ctypes.c_void_p), ("context", ctypes.c_void_p)]


# Without a procedure: the library asks by SASL_INTERACT.
_CALLBACKS = (_Callback * 4)(_Callback(CB_USER), _Callback(CB_AUTHNAME), _Callback(CB_PASS), _Callback(0))


def load():
    """The library, or None if it or its SCRAM module is not installed."""
    name = ctypes.util.find_library("sasl2")
    if not name:
        return None
    library = ctypes.CDLL(name)
    if library.sasl_client_init(None) != SASL_OK:
        return None
    library.sasl_errdetail.restype = ctypes.c_char_p
    return library


class CyrusClient:
    """One authentication: start() and step() give the bytes to send."""

    def __init__(self, library, user, password):
        self.library = library
        self.answers = {CB_USER: b"", CB_AUTHNAME: user.encode(), CB_PASS: password.encode()}
        self.connection = ctypes.c_void_p()
        self._kept = []
        self._check(library.sasl_client_new(b"amqp", b"127.0.0.1", None, None, _CALLBACKS, 0, ctypes.byref(self.connection)))

    def _check(self, code):
        if code not in (SASL_OK, SASL_CONTINUE):
            detail = self.library.sasl_errdetail(self.connection) if self.connection else b""
            raise RuntimeError(f"libsasl2: {code} {detail!r}")
        return code

    def _run(self, function, *arguments):
        prompts, out, length = ctypes.POINTER(_Interact)(), ctypes.c_char_p(), ctypes.c_uint()
        while True:
            code = function(self.connection, *arguments, ctypes.byref(prompts), ctypes.byref(out), ctypes.byref(length),
                            *([ctypes.byref(ctypes.c_char_p())] if function is self.library.sasl_client_start else []))
            if code != SASL_INTERACT:
                self._check(code)
                return ctypes.string_at(out, length.value) if out else b""
            index = 0
            while prompts[index].id:
                answer = ctypes.create_string_buffer(self.answers[prompts[index].id])
                self._kept.append(answer)
                prompts[index].result = ctypes.cast(answer, ctypes.c_void_p)
                prompts[index].len = len(answer.value)
                index += 1

    def start(self, mechanism):
        return self._run(self.library.sasl_client_start, mechanism.encode())

    def step(self, challenge):
        return self._run(self.library.sasl_client_step, challenge, len(challenge))


def _read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the broker closed the connection")
        data += more
    return data


def _write_frame(connection, performative, *fields):
    data = Data()
    data.put_object(Described(ulong(performative), list(fields)))
    body = data.encode()
    connection.sendall(struct.pack(">IBBH", 8 + len(body), 2, 1, 0) + body)


def _read_frame(connection):
    size, offset, _, _ = struct.unpack(">IBBH", _read_exactly(connection, 8))
    body = _read_exactly(connection, size - 8)[4 * offset - 8:]
    data = Data()
    data.decode(body)
    data.rewind()
    data.next()
    described = data.get_py_described()
    return int(described.descriptor), described.value


def log_in(library, port, user, password, mechanism="SCRAM-SHA-256"):
    """The outcome's code: 0 for let in, 1 for refused. With 0 the broker has also proved that it knows the password."""
    client = CyrusClient(library, user, password)
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(b"AMQP\x03\x01\x00\x00")
        if _read_exactly(connection, 8) != b"AMQP\x03\x01\x00\x00":
            raise RuntimeError("no SASL header")
        performative, _ = _read_frame(connection)
        if performative != MECHANISMS:
            raise RuntimeError(f"no mechanisms but {performative:#x}")
        _write_frame(connection, INIT, symbol(mechanism), client.start(mechanism), "127.0.0.1")
        while True:
            performative, fields = _read_frame(connection)
            if performative == CHALLENGE:
                _write_frame(connection, RESPONSE, client.step(bytes(fields[0])))
                continue
            if performative != OUTCOME:
                raise RuntimeError(f"no outcome but {performative:#x}")
            if int(fields[0]) == 0:
                if len(fields) > 1 and fields[1]:
                    client.step(bytes(fields[1]))  # raises if the broker's signature is wrong
                connection.sendall(b"AMQP\x00\x01\x00\x00")
                if _read_exactly(connection, 8) != b"AMQP\x00\x01\x00\x00":
                    raise RuntimeError("no AMQP after the login")
            return int(fields[0])
