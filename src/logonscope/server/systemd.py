"""Notifications to the service manager through NOTIFY_SOCKET (sd_notify(3)): ready, reloading, stopping, watchdog."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable

_SEND_SECONDS = 1.0
"""Seconds that a notification may wait: a service manager that does not read its socket must not block the server."""

_log = logging.getLogger(__name__)


def notify(*fields: str) -> bool:
    """Send fields to the service manager, such as "READY=1" and "STATUS=listening"; return whether they were sent.

    They are not sent if NOTIFY_SOCKET names no unix socket, for example if no service manager started this process. If
    sending fails, a warning is logged.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"}:  # "vsock:..." is for virtual machines
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(_SEND_SECONDS)
            # "@" is how NOTIFY_SOCKET writes the NUL of an abstract address (unix(7)).
            manager.sendto("\n".join(fields).encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError as error:
        _log.warning("cannot notify the service manager of %s: %s", fields[0], error)
        return False
    return True


def notify_reloading() -> None:
    """Notify the service manager that a reload has begun; READY=1 ends it."""
    # For a unit of Type=notify-reload, systemd compares this time with the time when it sent SIGHUP.
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def watchdog_seconds() -> float | None:
    """Return the watchdog interval of the service manager (sd_watchdog_enabled(3)); None: there is no watchdog."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    # The variables are inherited: they may be for the parent process.
    is_for_this_process = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    is_valid = microseconds.isdecimal() and int(microseconds) > 0
    return int(microseconds) / 1e6 if is_valid and is_for_this_process else None


async def keep_watchdog(is_stuck: Callable[[], bool]) -> None:
    """Notify the watchdog twice in each interval, as long as the event loop runs and the worker threads are not stuck.

    Return at once if there is no watchdog. The service manager restarts a server that stops notifying.
    """
    seconds, was_stuck = watchdog_seconds(), False
    while seconds is not None:
        stuck = is_stuck()
        if not stuck:
            notify("WATCHDOG=1")
        elif not was_stuck:
            _log.error("all worker threads are stuck: watchdog not notified")
        was_stuck = stuck
        await asyncio.sleep(seconds / 2)
