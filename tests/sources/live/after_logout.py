"""A login of this kernel with a record as logind writes it, which is then deleted; prints what is known of it.

It runs in a mount namespace of its own, with a /run/systemd of its own: ``unshare --mount python -m ...``. The login is
a real one; so are its leader's end and the notice of the record's end.
"""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import logonscope
from logonscope.machine import Look
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.choose import make_live
from logonscope.sources.live.source import LiveSource
from tests.lab.systemd import wait_until

LEADER = """
import os, time
for uid in ("4294967295", "64321"):
    with open("/proc/self/loginuid", "w") as file:
        file.write(uid)
left = os.fork()
if not left:
    os.setuid(64321)
    os.execv("/bin/sleep", ["sleep", "1000"])
print(left, flush=True)
time.sleep(1000)
"""

RECORD = """\
UID=64321
USER=somebody
ACTIVE=1
STATE=active
REMOTE=1
REMOTE_HOST=192.0.2.7
TYPE=tty
CLASS=user
SERVICE={service}
SCOPE=session-{kernel_id}.scope
LEADER={leader}
AUDIT={kernel_id}
REALTIME={realtime}
MONOTONIC={monotonic}
"""

SHOWN = ("logon_id", "state", "remote_host", "service", "logon_type", "start", "leftovers", "guid")


def describe(source: LiveSource, pid: int) -> dict[str, Any]:
    """Return what is known of the logon session of a process."""
    host = logonscope.connect(source)
    (answer,) = host.whose(pid)
    (session,) = host.sessions(answer.logon_id)
    assert answer.session is not None
    shown = {name: str(getattr(session, name)) for name in SHOWN}
    assert all(str(getattr(answer.session, name)) == shown[name] for name in SHOWN if name != "leftovers")
    return shown | {"host_source": session.sources.get("remote_host")}


def knows_terminal(source: LiveSource, login_id: str) -> bool:
    """Return whether the source has found out which terminal a login has, or that it has none."""
    return any(login.id == login_id and login.seen_tty is not None for login in source.logins(Look()))


def main(service: str, socket: str, has_events: bool) -> None:
    """Log in, look, log out, look, forget the record, look; all by two live sources, one of them started later."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/systemd"], check=True)
    folder = Path("/run/systemd/sessions")
    folder.mkdir()
    (folder.parent / "users").mkdir()
    early = make_live(LinuxSource(), LINUX, socket=socket)
    leader = subprocess.Popen([sys.executable, "-c", LEADER], stdout=subprocess.PIPE)
    assert leader.stdout is not None
    left = int(leader.stdout.readline())
    kernel_id = Path(f"/proc/{left}/sessionid").read_text(encoding="ascii")
    record = RECORD.format(
        service=service, kernel_id=kernel_id, leader=leader.pid, realtime=time.time_ns() // 1000,
        monotonic=time.monotonic_ns() // 1000,
    )  # fmt: skip
    (folder / ".new").write_text(record, encoding="ascii")
    (folder / ".new").rename(folder / kernel_id)
    late = make_live(LinuxSource(), LINUX, socket=socket)
    moments: list[Any] = []
    moments.append([describe(source, left) for source in (early, late)])
    if has_events:
        for source in (early, late):
            wait_until(partial(knows_terminal, source, kernel_id), 60, "the search for the terminal")
    leader.terminate()
    leader.wait()
    leader.stdout.close()
    moments.append([describe(source, left) for source in (early, late)])
    (folder / kernel_id).unlink()
    moments.append([describe(source, left) for source in (early, late)])
    direct = logonscope.connect(direct=True)
    (session,) = direct.sessions(kernel_id)
    os.kill(left, 9)
    print(json.dumps({"kernel_id": kernel_id, "left": left, "moments": moments, "single": str(session.remote_host)}))
    early.close()
    late.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "True")
