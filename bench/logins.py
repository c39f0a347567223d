"""The login record of a measured process, written as systemd-logind writes it, and removed afterwards."""

import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tools import UnavailableError

SESSIONS = Path("/run/systemd/sessions")


@contextmanager
def login_record(pid: int) -> Iterator[None]:
    """Record a login whose leader is this process, under its kernel id, for the time of a ``with`` block.

    systemd-logind, if it runs here, does not read it: it knows the logins that it made.

    Raises:
        UnavailableError: the record cannot be written, or there is one already.
    """
    kernel_id, uid = (Path(f"/proc/{pid}/{name}").read_text(encoding="ascii") for name in ("sessionid", "loginuid"))
    user = pwd.getpwuid(int(uid)).pw_name
    record, was_there = SESSIONS / kernel_id, SESSIONS.exists()
    text = (
        f"UID={uid}\nUSER={user}\nACTIVE=1\nSTATE=active\nREMOTE=1\nTYPE=tty\nCLASS=user\nSERVICE=sshd\n"
        f"SCOPE=session-{kernel_id}.scope\nREMOTE_HOST=192.0.2.7\nLEADER={pid}\nAUDIT={kernel_id}\n"
        f"REALTIME={time.time_ns() // 1000}\nMONOTONIC={time.monotonic_ns() // 1000}\n"
    )
    try:
        SESSIONS.mkdir(parents=True, exist_ok=True)
        with record.open("x", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise UnavailableError(f"cannot write a login record: {error}") from None
    try:
        yield
    finally:
        record.unlink()
        # Whether the folder exists decides how logins are read: it must not stay behind.
        if not was_there:
            SESSIONS.rmdir()
