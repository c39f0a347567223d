"""Does the service manager know how we are? It is told through NOTIFY_SOCKET (sd_notify(3)); without one, nobody is."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable

_PATIENCE = 1.0
"""Seconds: a service manager that does not read must not hold the answers up."""

_log = logging.getLogger(__name__)


def notify(*fields: str) -> bool:
    """Tell the service manager, as ``notify("READY=1", "STATUS=listening")``, and whether there was one to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"}:  # vsock: is for whole machines
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(_PATIENCE)
            manager.sendto("\n".join(fields).encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError as error:
        _log.warning("the service manager cannot be told %s: %s", fields[0], error)
        return False
    return True


def reloading() -> None:
    """Tell that the configuration is read again; READY=1 tells that it is done (Type=notify-reload wants the time)."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def watchdog_seconds() -> float | None:
    """Return after how long a silence the service manager takes us for dead (sd_watchdog_enabled(3))."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) and meant else None


async def keep_watchdog(is_stuck: Callable[[], bool]) -> None:
    """Notify twice in each watchdog interval, as long as the event loop turns and the work is not stuck.

    Return at once where there is no watchdog. A server that is stuck is restarted by the service manager.
    """
    seconds = watchdog_seconds()
    while seconds is not None:
        if is_stuck():
            _log.error("no worker thread has returned for long after its deadline: the watchdog is not notified")
        else:
            notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)
