"""Splits an encoded AMQP 1.0 message into its sections without decoding them, to compare bytes."""

import struct

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES, DATA, SEQUENCE, VALUE, FOOTER = range(0x70, 0x79)


def skip_value(data, at):
    """The position after the value that begins at `at` (AMQP 1.0 §1.2)."""
    code = data[at]
    at += 1
    if code == 0x00:
        return skip_value(data, skip_value(data, at))
    width = code >> 4
    if width == 0x4:
        return at
    if width in (0x5, 0x6, 0x7, 0x8, 0x9):
        return at + (1, 2, 4, 8, 16)[width - 5]
    if width in (0xA, 0xC, 0xE):
        return at + 1 + data[at]
    if width in (0xB, 0xD, 0xF):
        return at + 4 + struct.unpack_from(">I", data, at)[0]
    raise ValueError(f"no constructor: {code:#x}")


def split(data):
    """[(section code, its bytes with the descriptor)]"""
    found = []
    at = 0
    while at < len(data):
        if data[at] != 0 or data[at + 1] != 0x53:
            raise ValueError(f"no section begins at {at}")
        end = skip_value(data, at)
        found.append((data[at + 2], bytes(data[at:end])))
        at = end
    return found


def bare_with_annotations(data):
    """What a broker must hand on to the byte: everything but header and delivery annotations."""
    return b"".join(section for code, section in split(data) if code not in (HEADER, DELIVERY_ANNOTATIONS))


def bare(data):
    return b"".join(section for code, section in split(data) if code >= PROPERTIES)
