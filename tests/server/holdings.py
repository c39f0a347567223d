"""What a running server holds: connections, tasks, threads, descriptors. Clients that left must leave none."""

import asyncio
import logging
import os
import threading
import time
from typing import NamedTuple

import pytest

from tests.server.running import RunningServer

PATIENCE = 30.0
"""Seconds until the last connection of a storm has to be over: a handshake may take ten."""

WORKERS = ("answer", "password")
"""What the names of pooled threads begin with; a pool starts its threads when it needs them, and keeps them."""


class Holdings(NamedTuple):
    """How much of each the server holds."""

    connections: int
    counted: int
    handshakes: int
    requests: int
    tasks: int
    threads: int
    descriptors: int


def holdings(server: RunningServer) -> Holdings:
    """Return what a server holds that runs in this process."""
    return asyncio.run_coroutine_threadsafe(_holdings(server), server.loop).result(PATIENCE)


async def _holdings(server: RunningServer) -> Holdings:
    life, services = server.server, server.services
    gates, crowd = life._pending_handshakes, life._connection_limits  # noqa: SLF001 -- there is no other way to look
    return Holdings(
        len(life.server_state.connections),
        crowd._client_counts.total(),  # noqa: SLF001 -- the same
        0 if gates is None else len(gates._open),  # noqa: SLF001 -- the same
        services.pool.open_requests + services.password_pool.open_requests,
        len(asyncio.all_tasks()),
        sum(not thread.name.startswith(WORKERS) for thread in threading.enumerate()),
        len(os.listdir("/proc/self/fd")),
    )


def assert_nothing_left(server: RunningServer, before: Holdings, log: pytest.LogCaptureFixture) -> None:
    """Fail where the server holds more than before once all connections had their time, or logged a traceback."""
    end = time.monotonic() + PATIENCE
    while excess := _excess(before, holdings(server)):
        assert time.monotonic() < end, excess
        time.sleep(0.05)
    assert [record.getMessage() for record in log.records if record.exc_info] == []
    assert [record.getMessage() for record in log.records if record.levelno >= logging.ERROR] == []


def _excess(before: Holdings, now: Holdings) -> dict[str, int]:
    """Return by how much each number has grown."""
    return {name: count - old for name, old, count in zip(Holdings._fields, before, now, strict=True) if count > old}
