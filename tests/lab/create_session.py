"""Creation of logon sessions of any type and class without a desktop, by logind's D-Bus call, as PAM does.

Runs inside the machine as root: starts a process, gives it a kernel session id where asked to, and has logind make a
session that it leads. Prints the session as JSON, and keeps it until standard input ends: that is its logout.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jeepney.io.blocking  # type: ignore[import-untyped]  # it has no types

MANAGER = jeepney.DBusAddress("/org/freedesktop/login1", "org.freedesktop.login1", "org.freedesktop.login1.Manager")
ARGUMENTS = "uusssssussbssa(sv)"  # org.freedesktop.login1(5), CreateSession


@contextlib.contextmanager
def leader(login_uid: int | None) -> Iterator[int]:
    """Have a process that is to lead, its login uid written, for as long as this process wants it."""
    ready, tell = os.pipe()
    wait, hold = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(hold)
        with contextlib.suppress(BaseException):
            if login_uid is not None:
                Path("/proc/self/loginuid").write_text(str(login_uid))
            os.write(tell, b".")
            os.read(wait, 1)
        os._exit(0)
    os.close(tell)
    if os.read(ready, 1) != b".":
        raise SystemExit("cannot write the login uid")
    yield pid
    os.close(hold)
    os.waitpid(pid, 0)


def create(bus: Any, pid: int, wanted: argparse.Namespace) -> tuple[str, int]:
    """Have logind make the session; return its id and the descriptor that keeps it open."""
    body: tuple[object, ...] = (
        *(wanted.uid, pid, wanted.service, wanted.type, wanted.cls, "", wanted.seat, wanted.vt, wanted.tty),
        *(wanted.display, bool(wanted.remote_host), wanted.remote_user, wanted.remote_host, []),
    )
    reply = bus.send_and_get_reply(jeepney.new_method_call(MANAGER, "CreateSession", ARGUMENTS, body), timeout=20)
    answer = jeepney.wrappers.unwrap_msg(reply)
    return answer[0], answer[3].to_raw_fd()


def wishes() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uid", type=int, required=True)
    parser.add_argument("--login-uid", type=int)
    parser.add_argument("--vt", type=int, default=0)
    parser.add_argument("--class", dest="cls", default="user")
    for name, default in {"service": "login", "type": "unspecified", "seat": "", "tty": "", "display": ""}.items():
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--remote-host", default="")
    parser.add_argument("--remote-user", default="")
    return parser.parse_args()


def main() -> None:
    """Make one session and keep it."""
    wanted = wishes()
    with (
        leader(wanted.login_uid) as pid,
        jeepney.io.blocking.open_dbus_connection(bus="SYSTEM", enable_fds=True) as bus,
    ):
        name, _held = create(bus, pid, wanted)
        sys.stdout.write(json.dumps({"login": name, "leader": pid}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
