"""Questions to the service and to the machine itself at one moment: run inside the machine, with answers as JSON.

    python ask_live.py SOCKET PID...

The answers of the machine before, of the service, and of the machine after are each {"sessions": {LogonId: {...}},
"processes": {pid: {...}}, "pairs": {pid: LogonId}, "whose": {pid: {...}}}; the service's "checks" are those of doctor.
"""

import json
import sys
from typing import Any

import logonscope
from logonscope.client import Host


def ask(host: Host, pids: list[int]) -> dict[str, Any]:
    """Ask everything of a host."""
    whose = {}
    for pid in pids:
        for answer in host.whose(pid):
            session = {f"session_{name}": value for name, value in plain(answer.session).items()}
            whose[pid] = plain(answer.process) | session
    return {
        "pairs": dict(host.session_processes()),
        "sessions": {session.logon_id: plain(session) for session in host.sessions()},
        "processes": {process.pid: plain(process) for process in host.processes()},
        "whose": whose,
    }


def plain(row: Any) -> dict[str, Any]:
    """Return a row as JSON has it."""
    values: dict[str, Any] = json.loads(json.dumps(row._asdict(), default=str))
    return values


def main(socket: str, pids: list[int]) -> None:
    """Ask the machine, the service, and the machine again."""
    with logonscope.connect(direct=True) as here, logonscope.connect(f"unix:{socket}") as service:
        before, answer = ask(here, pids), ask(service, pids)
        checks = [[check.subject, check.ok, check.finding] for check in service.doctor()]
    with logonscope.connect(direct=True) as here:
        after = ask(here, pids)
    json.dump({"before": before, "service": answer | {"checks": checks}, "after": after}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], [int(word) for word in sys.argv[2:]])
