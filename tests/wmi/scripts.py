"""Hosts and checks that tests of scripts share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import logonscope
from logonscope import TimedOutError, wmi
from logonscope.broker import Caller
from logonscope.client import Host, LocalHost
from logonscope.facts import Process
from logonscope.machine import Look, ProcessQuery
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

PATH = '\\\\web1\\root\\cimv2:Win32_Process.Handle="4312"'


class _Slow(Memory):
    """The example host as it is when every answer takes too long."""

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        del look, query
        raise TimedOutError("it took too long")


class ExampleHost:
    """The example host in memory, which counts the queries for its facts."""

    def __init__(self) -> None:
        self._memory = Memory(example.snapshot())

    def connect(self, caller: Caller = ROOT) -> Host:
        """Return the host as a caller gets it."""
        return LocalHost(self._memory, LINUX, caller, save_recording)

    def connect_as_nobody(self) -> Host:
        """Return the host as a user gets it who has not been authenticated."""
        return self.connect(user(None))

    def connect_slowly(self) -> Host:
        """Return the host as it is when every answer takes too long."""
        return LocalHost(_Slow(example.snapshot()), LINUX, ROOT, save_recording)

    @property
    def query_count(self) -> int:
        """Return how often facts were asked for."""
        return sum(len(queries) for queries in self._memory.asked)

    @property
    def queried_pids(self) -> list[int]:
        """Return the pids that were asked for; a query for all processes is an error."""
        return self._memory.asked.pids

    def forget_queries(self) -> None:
        """Count queries from now on."""
        self._memory.forget()


@contextmanager
def raises(kind: type[wmi.x_wmi], text: str, number: int) -> Iterator[None]:
    """Check that an x_wmi of exactly this kind is raised, with this text and number, and with all that it has."""
    with pytest.raises(wmi.x_wmi, match=re.escape(text)) as caught:
        yield
    error = caught.value
    assert type(error) is kind
    assert error.com_error is not None
    hresult, _, excepinfo, _ = error.com_error.args
    assert (hresult, excepinfo[2]) == (-2147352567, error.info)
    assert wmi.signed_to_unsigned(error.com_error.excepinfo[5]) == number
    assert isinstance(error.__cause__, logonscope.LogonscopeError)
