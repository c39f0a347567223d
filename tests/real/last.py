"""What last(1) of util-linux says of logins, from wtmp."""

import re
from datetime import datetime
from typing import NamedTuple

from tests.lab.systemd import Machine

_TIME = r"\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}"
_LINE = re.compile(
    rf"(?P<user>\S+) +(?P<terminal>system boot|\S+) +(?P<origin>\S+) +(?P<start>{_TIME})"
    rf"(?: - (?P<end>{_TIME}) +\([\d+:]+\)| +(?:still|gone) .*)"
)


class LastLine(NamedTuple):
    """A line of ``last -F``."""

    user: str
    terminal: str
    origin: str
    start: datetime
    end: datetime | None  # None: still logged in


def lines(machine: Machine) -> list[LastLine]:
    """Return the lines of last, the newest first."""
    found = []
    for text in machine.run(["last", "-F", "-w"]).stdout.splitlines():
        match = _LINE.match(text)
        assert match or not text or text.startswith("wtmp begins"), text
        if match:
            start, end = _time(match["start"]), match["end"] and _time(match["end"])
            found.append(LastLine(match["user"], match["terminal"], match["origin"], start, end or None))
    return found


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%a %b %d %H:%M:%S %Y").astimezone()
