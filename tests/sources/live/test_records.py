"""Messages of the process connector: the fields are where linux/cn_proc.h has them."""

import struct

from logonscope.sources.live.records import EXIT, FORK, MESSAGE_BYTES, pack_messages, parse_messages


def message(kind: int, ns: int, *words: int) -> bytes:
    """Return a message as the kernel builds it: nlmsghdr, cn_msg, proc_event."""
    event = struct.pack("=IIQ", kind, 3, ns) + struct.pack("=6I", *words, *[0] * (6 - len(words)))
    connector = struct.pack("=IIIIHH", 1, 1, 9, 0, len(event), 0)
    return struct.pack("=IHHII", 16 + len(connector) + len(event), 3, 0, 0, 0) + connector + event


def test_a_fork_has_thread_and_process_of_parent_and_child() -> None:
    data = message(FORK, 123456789012, 11, 10, 21, 20) + message(EXIT, 5, 21, 20, 256, 17, 11, 10)
    assert len(data) == 2 * MESSAGE_BYTES
    assert list(parse_messages(data)) == [(FORK, 123456789012, 11, 10, 21, 20), (EXIT, 5, 21, 20, 256, 17)]


def test_records_can_be_packed_again() -> None:
    records = [(FORK, 1 << 60, 1, 2, 3, 4), (EXIT, 7, 1, 2, 3, 4)]
    assert list(parse_messages(pack_messages(records))) == records
