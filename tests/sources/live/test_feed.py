"""The feeds: which one is used here, and that inside a pid namespace none is."""

import os
import subprocess
import sys
import time

import pytest

from logonscope.sources.live.feed import INITIAL_PID_NAMESPACE, LocalFeed, boot_offset, namespace_reason
from logonscope.sources.live.records import FORK, NO_EVENTS
from tests.kernel import require_logins

IN_A_NAMESPACE = """
from logonscope.sources.live.feed import LocalFeed
try:
    LocalFeed()
except OSError as error:
    print(error)
"""


def test_inside_a_pid_namespace_there_are_no_events() -> None:
    require_logins()
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", IN_A_NAMESPACE]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert "is in a pid namespace" in done.stdout
    assert "reports the host's pids" in done.stdout


@pytest.mark.parametrize(("offset", "expected"), [("0", ""), ("1000", "is in a time namespace")])
def test_with_other_clocks_there_are_no_events(offset: str, expected: str) -> None:
    require_logins()
    if namespace_reason() is not None:
        pytest.skip("a pid namespace")
    command = ["unshare", "--time", "--monotonic", offset, sys.executable, "-c", IN_A_NAMESPACE]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert expected in done.stdout
    assert bool(done.stdout) == bool(expected)


def test_the_initial_namespace_has_the_number_of_the_kernel() -> None:
    is_initial = os.readlink("/proc/self/ns/pid") == INITIAL_PID_NAMESPACE
    assert (namespace_reason() is None) == is_initial


def test_root_here_gets_both_kinds_of_events() -> None:
    require_logins()
    if namespace_reason() is not None:
        pytest.skip("a pid namespace")
    feed = LocalFeed()
    assert feed.sees_writes
    assert feed.event_source.name == "process connector and fanotify"
    assert feed.event_source.refused == ("BPF ring: not implemented",)
    batch = feed.read_batch()
    feed.close()
    assert not batch.is_partial


def test_the_clocks_are_apart_by_the_suspended_time() -> None:
    # the same to a microsecond or so, and never before
    assert abs(boot_offset() - boot_offset()) < 10_000_000


def test_without_an_event_nothing_is_read_and_with_one_it_is_there() -> None:
    require_logins()
    if namespace_reason() is not None:
        pytest.skip("a pid namespace")
    feed = LocalFeed()
    batch = feed.read_batch()
    deadline = time.monotonic() + 20
    while batch is not NO_EVENTS:  # other processes of the machine
        assert time.monotonic() < deadline
        batch = feed.read_batch()
    child = subprocess.Popen(["true"])
    assert any(record[0] == FORK and record[5] == child.pid for record in feed.read_batch().records)
    child.wait()
    feed.close()
