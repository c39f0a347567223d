"""What a system says of itself, by its own programs and files. It shares no code with the product.

Services are those of systemctl; accounts those of getent, /etc/passwd and /etc/shadow; past logins those of lastlog and
last; the hardware is that of lscpu and /sys; processes are those of /proc.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

Rows = set[tuple[str | None, ...]]
Run = Callable[[Sequence[str]], str]
"""Runs a program on the system, and returns its output; what it writes of errors is left out."""

UNIT_PROPERTIES = (
    "Id,Description,LoadState,ActiveState,UnitFileState,MainPID,User,CanStop,ExecStart,Result,ExecMainStatus"
)
WTMPDB = """
import os, sqlite3, sys
if os.path.exists("/var/lib/wtmpdb/wtmp.db"):
    rows = sqlite3.connect("file:/var/lib/wtmpdb/wtmp.db?mode=ro", uri=True)
    for (login,) in rows.execute("SELECT Login FROM wtmp WHERE User = ? AND Type = 3", sys.argv[1:]):
        print(login // 1_000_000)
"""
"""Prints the seconds of each login of a user: 3 is USER_PROCESS."""

WEEK_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NEVER_AGES = 10_000
"""Days: a password that is valid for longer is meant never to expire."""


class Person(NamedTuple):
    """A line of passwd(5)."""

    name: str
    uid: str
    gid: str
    full_name: str | None
    home: str

    @property
    def sid(self) -> str:
        """Return the security identifier, as Samba has it."""
        return f"S-1-22-1-{self.uid}"


class Truth:
    """A system, asked by its own programs."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def words(self, *command: str) -> list[str]:
        """Return the words of a program's output."""
        return self._run(command).split()

    def lines(self, *command: str) -> list[str]:
        """Return the lines of a program's output."""
        return self._run(command).splitlines()

    def read(self, path: str) -> str:
        """Return the text of a file; "" if there is none."""
        return self._run(["sh", "-c", 'cat -- "$1" 2>/dev/null || true', "sh", path]).rstrip("\n")

    @cached_property
    def hostname(self) -> str:
        """The name of the computer."""
        return self.words("uname", "-n")[0]

    # services

    @cached_property
    def _units(self) -> dict[str, dict[str, str]]:
        listed = self.lines("systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend")
        loaded = {line.split()[0] for line in listed if line.split()[1] != "not-found"}
        files = self.lines("systemctl", "list-unit-files", "--type=service", "--plain", "--no-legend")
        installed = {line.split()[0] for line in files if "@." not in line and line.split()[1] != "alias"}
        return {name: self._show(name) for name in loaded | installed}

    def _show(self, name: str) -> dict[str, str]:
        lines = self.lines("systemctl", "show", f"--property={UNIT_PROPERTIES}", "--", name)
        values: dict[str, str] = {}
        for key, _, value in (line.partition("=") for line in lines):
            values.setdefault(key, value)  # of several commands the first
        command = re.search(r"argv\[\]=(.*?) ; ignore_errors=", values.get("ExecStart", ""))
        return values | {
            "Name": name,
            "ExecStart": command[1] if command else "",
            "Started": "true",
            "CanStop": {"yes": "true", "no": "false"}[values["CanStop"]],
        }

    def unit(self, name: str) -> dict[str, str]:
        """Return the properties of a service."""
        return self._units[name]

    def services(self, columns: str, **wanted: str) -> Rows:
        """Return properties of the services that have these values."""
        return {
            tuple(unit[name] for name in columns.split())
            for unit in self._units.values()
            if all(unit[name] == value for name, value in wanted.items())
        }

    def failures(self) -> Rows:
        """Return the services that failed, with the numbers that Windows has for the reasons, and their own."""
        rows = self.services("Name ExecMainStatus Result", ActiveState="failed")
        return {
            (name, *({"exit-code": ("1066", status)}.get(str(result), ("1067", None)))) for name, status, result in rows
        }

    def service_processes(self, comm: str) -> Rows:
        """Return the service of each process of a name, that of its user's manager before that of the system's."""
        rows = (
            line.split() for line in self.lines("ps", "-C", comm, "-o", "pid:10,unit:300,uunit:300", "--no-headers")
        )
        found = ((pid, own if own.endswith(".service") else unit) for pid, unit, own in rows)
        return {(pid, unit) for pid, unit in found if unit.endswith(".service")}

    # accounts

    def accounts(self) -> list[Person]:
        """Return the accounts of the system, in the order of its files."""
        people = []
        for line in self.lines("getent", "passwd"):
            name, _, uid, gid, comment, home, _ = line.split(":")
            people.append(Person(name, uid, gid, comment.split(",")[0] or None, home))
        return people

    def people(self) -> list[Person]:
        """Return the accounts of people: root, and those from UID_MIN on."""
        first = re.search(r"^UID_MIN\s+(\d+)", self.read("/etc/login.defs"), re.MULTILINE)
        lowest = int(first[1]) if first else 1000
        return [row for row in self.accounts() if int(row.uid) == 0 or int(row.uid) >= lowest]

    def system_accounts(self) -> list[Person]:
        """Return the other accounts."""
        people = self.people()
        return [row for row in self.accounts() if row not in people]

    def _shadow(self, name: str) -> list[str]:
        return self.lines("getent", "shadow", name)[0].split(":")

    def has_expired(self, name: str) -> bool:
        """Return whether an account has expired."""
        last_day = self._shadow(name)[7]
        return bool(last_day) and datetime(1970, 1, 1, tzinfo=UTC) + timedelta(int(last_day)) <= datetime.now(UTC)

    def has_locked_password(self, name: str) -> bool:
        """Return whether the password of an account was locked: there is a hash behind the mark."""
        return re.match(r"!+[^!*]", self._shadow(name)[1]) is not None

    def has_aging_password(self, name: str) -> bool:
        """Return whether the password of an account expires."""
        _, _, changed, _, longest, *_ = self._shadow(name)
        return bool(changed and longest) and int(longest) < NEVER_AGES

    def groups(self) -> Rows:
        """Return the groups, with their security identifiers."""
        fields = (line.split(":") for line in self.read("/etc/group").splitlines())
        return {(name, f"S-1-22-2-{gid}") for name, _, gid, _ in fields}

    def members(self, group: str) -> Rows:
        """Return the members of a group, those too whose primary group it is."""
        lines = self.lines("getent", "group", group) if group in self.read("/etc/group") else []
        fields = [line.split(":") for line in lines]
        return {
            (row.name, row.sid)
            for _, _, gid, names in fields
            for row in self.accounts()
            if row.name in names.split(",") or row.gid == gid
        }

    # profiles

    def profiles(self) -> Rows:
        """Return the homes of accounts; of several accounts with one uid, that of the first."""
        people, rows = self.people(), dict[str, tuple[str | None, ...]]()
        for row in self.accounts():
            if row.home not in {"", "/nonexistent"}:
                rows.setdefault(row.uid, (row.sid, row.home, "false" if row in people else "true"))
        return set(rows.values())

    def loaded_profiles(self) -> Rows:
        """Return the profiles of accounts that a process runs as."""
        uids = {uid for line in self.lines("ps", "-eo", "ruid,euid", "--no-headers") for uid in line.split()}
        return {row[:1] for row in self.profiles() if str(row[0]).rpartition("-")[2] in uids}

    def last_login(self, name: str) -> str | None:
        """Return when a user logged in last, in seconds since the epoch, by lastlog, last and wtmpdb's table."""
        script = 'export TZ=UTC; lastlog -u "$1" 2>/dev/null; last -F -w "$1" 2>/dev/null; true'
        lines = self.lines("sh", "-c", script, "sh", name)
        latest = [_seconds(line) for line in lines if line.startswith(f"{name} ")]
        latest += self.words(sys.executable, "-I", "-c", WTMPDB, name)
        return max((text for text in latest if text is not None), default=None)

    # time zone

    def time_zone(self) -> Rows:
        """Return the offsets and the names in standard time and in daylight saving time."""
        winter, summer = sorted(self._zone_at(f"2026-{month}-15 12:00") for month in ("01", "07"))
        if winter == summer:
            return {(str(winter[0]), "0", winter[1], None)}
        return {(str(winter[0]), str(winter[0] - summer[0]), winter[1], summer[1])}

    def _zone_at(self, moment: str) -> tuple[int, str]:
        offset, name = self.words("date", "-d", moment, "+%z %Z")
        return _minutes(offset), name

    def daylight_change(self) -> Rows:
        """Return the month, the day of the week and the hour of standard time at which daylight saving begins."""
        lines = self.lines("zdump", "-v", "-c", "2026,2027", "/etc/localtime")
        before = None
        for line in lines:
            if "isdst=1" in line and before is not None and "isdst=0" in before:
                # one second before the change it is standard time still
                day, month, number, clock, year = before.split(" = ")[1].split()[:5]
                moment = datetime.strptime(f"{number} {month} {year} {clock} +0000", "%d %b %Y %H:%M:%S %z")
                change = moment + timedelta(seconds=1)
                return {(str(MONTHS.index(month) + 1), str(WEEK_DAYS.index(day)), str(change.hour))}
            before = line if "isdst=" in line else before
        return {("0", "0", "0")}

    def present_offset(self) -> str:
        """Return the minutes that the local time is ahead of UTC now."""
        return str(_minutes(self.words("date", "+%z")[0]))

    # processor and firmware

    def lscpu(self, label: str) -> str | None:
        """Return a value of lscpu."""
        values = dict(line.split(":", 1) for line in self.lines("lscpu") if ":" in line)
        return values[label].strip() if label in values else None

    def processors(self) -> Rows:
        """Return the processor packages, with their cores and threads."""
        rows = [line.split(",") for line in self.lines("lscpu", "-p=SOCKET,CORE,CPU") if not line.startswith("#")]
        packages = sorted({socket for socket, _, _ in rows}, key=int)
        return {
            (
                f"CPU{number}",
                str(len({core for socket, core, _ in rows if socket == package})),
                str(sum(socket == package for socket, _, _ in rows)),
            )
            for number, package in enumerate(packages)
        }

    def firmware(self) -> Rows:
        """Return the vendor, the version and the serial number, where the kernel has them."""
        folder = "/sys/class/dmi/id/"
        vendor, version, serial = (
            self.read(folder + name).strip() or None for name in ("bios_vendor", "bios_version", "product_serial")
        )
        return {(vendor, version, serial)} if version else set()

    # processes

    def pid(self, command: str) -> str:
        """Return the process with these arguments."""
        (pid,) = self._pids(command)
        return pid

    def _pids(self, command: str) -> Iterator[str]:
        rows = (line.strip().partition(" ") for line in self.lines("ps", "-ww", "-eo", "pid,args", "--no-headers"))
        return (pid for pid, _, arguments in rows if arguments == command)

    def owner(self, command: str) -> str:
        """Return the user that the process runs as."""
        return self.words("ps", "-o", "user:40", "--no-headers", "-p", self.pid(command))[0]

    def audit_session(self, command: str) -> str:
        """Return the kernel's audit session id of the process."""
        return self.read(f"/proc/{self.pid(command)}/sessionid")

    def mapped_files(self, command: str) -> Rows:
        """Return the files that the processes with these arguments have mapped as code."""
        rows: Rows = set()
        for pid in self._pids(command):
            fields = (line.split(maxsplit=5) for line in self.read(f"/proc/{pid}/maps").splitlines())
            rows |= {(pid, row[5]) for row in fields if len(row) == 6 and "x" in row[1] and row[5].startswith("/")}
        return rows


def normal(value: Any) -> str | None:
    """Return a value of any client in one form: times are seconds since the epoch."""
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if re.fullmatch(r"\d{14}\.\d{6}[+-]\d{3}", text):  # of COM automation; the offset is in minutes
        moment = datetime.strptime(text[:14] + "+0000", "%Y%m%d%H%M%S%z") - timedelta(minutes=int(text[21:]))
        return str(int(moment.timestamp()))
    if re.match(r"\d{4}-\d\d-\d\dT\d\d:", text):  # of WS-Management
        return str(int(datetime.fromisoformat(text).timestamp()))
    return text


def normal_rows(rows: Iterable[Iterable[Any]]) -> Rows:
    """Return rows in one form."""
    return {tuple(map(normal, row)) for row in rows}


def _minutes(offset: str) -> int:
    """Return an offset such as +0130 in minutes."""
    return (-1 if offset[0] == "-" else 1) * (int(offset[1:3]) * 60 + int(offset[3:5]))


def _seconds(line: str) -> str | None:
    """Return the first time in a line of lastlog or last."""
    found = re.search(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d+) (\d\d:\d\d:\d\d)(?: ([+-]\d{4}))? (\d{4})", line)
    if found is None:
        return None
    month, day, clock, offset, year = found.groups()
    moment = datetime.strptime(f"{day} {month} {year} {clock} {offset or '+0000'}", "%d %b %Y %H:%M:%S %z")
    return str(int(moment.timestamp()))
