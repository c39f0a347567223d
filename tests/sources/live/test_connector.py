"""The process connector: the filter passes first threads, and every fork of this machine arrives once."""

import os
import struct
import time

import pytest

from logonscope.sources.live.connector import ProcessConnector, make_filter
from logonscope.sources.live.records import EXEC, EXIT, FORK, GID, SID, UID, pack_messages
from tests.kernel import require_logins
from tests.lab.fixtures import skip_or_fail

COMM, COREDUMP = 0x200, 0x40000000


def passes(program: bytes, message: bytes) -> bool:
    """Run a classic BPF program as the kernel does (linux/filter.h), with its big-endian loads."""
    rows = [struct.unpack("=HBBI", program[start : start + 8]) for start in range(0, len(program), 8)]
    accumulator = index = position = 0
    while True:
        code, if_true, if_false, number = rows[position]
        position += 1
        if code == 0x20:  # ld
            (accumulator,) = struct.unpack(">I", message[number : number + 4])
        elif code == 0x07:  # tax
            index = accumulator
        elif code == 0x06:  # ret
            return bool(number)
        else:  # jeq, with a number or x
            position += if_true if accumulator == (number if code == 0x15 else index) else if_false


@pytest.mark.parametrize("receives_id_changes", [False, True])
def test_the_filter_passes_what_concerns_processes(receives_id_changes: bool) -> None:
    expected = {
        (0, 0, 0, 0, 0, 0): True,
        (FORK, 0, 5, 5, 9, 9): True,
        (FORK, 0, 5, 5, 9, 8): False,  # a thread
        (EXIT, 0, 5, 5, 0, 0): True,
        (EXIT, 0, 6, 5, 0, 0): False,  # another thread than the first
        (EXEC, 0, 5, 5, 0, 0): True,
        (EXEC, 0, 6, 5, 0, 0): True,
        (UID, 0, 5, 5, 0, 0): True,
        (GID, 0, 5, 5, 0, 0): receives_id_changes,
        (SID, 0, 5, 5, 0, 0): receives_id_changes,
        (COMM, 0, 5, 5, 0, 0): False,
        (COREDUMP, 0, 5, 5, 0, 0): False,
    }
    program = make_filter(receives_id_changes=receives_id_changes)
    assert {record: passes(program, pack_messages([record])) for record in expected} == expected


def test_every_fork_and_end_arrives_once() -> None:
    require_logins()
    try:
        connector = ProcessConnector()
    except OSError as error:
        skip_or_fail(f"there is no process connector: {error}")
    pids = []
    for status in range(50):
        pid = os.fork()
        if pid == 0:
            os._exit(status)
        os.waitpid(pid, 0)
        pids.append(pid)
    time.sleep(0.01)  # the kernel lets the parent wait for a process before it reports the end
    received = connector.read()
    connector.close()
    assert received.lost == 0
    forks = [record[5] for record in received.records if record[0] == FORK and record[3] == os.getpid()]
    ends = {record[3]: record[4] for record in received.records if record[0] == EXIT}
    assert forks == pids
    assert [ends.get(pid, -1) >> 8 for pid in pids] == list(range(50))
