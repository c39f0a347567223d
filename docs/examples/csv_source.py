"""An example of a source: it reads processes from a CSV file, an export of another tool.

    host = logonscope.connect(CsvSource("processes.csv"))

The first line names at least these columns, in any order; others are ignored. An empty cell means "unknown". pid and
ses must not be empty, because they determine the owner of a process.

    pid, ppid   process id of the process, and of its parent
    name        its name
    ses         the kernel's audit session id; 4294967295 means "unset": no login started it
    loginuid    the uid that logged in; 4294967295 means "unset"
    uid         the uid that it runs as
    start       when it started, in seconds since the epoch
    cgroup      its control group, as in /user.slice/user-1000.slice/session-41.scope
    args        its arguments, joined by spaces
"""

import csv
import os
from collections.abc import Sequence

from logonscope import InvalidParameterError, RecordingError
from logonscope.facts import Machine, Process
from logonscope.machine import BaseSource, Look, Part, ProcessQuery

FACT_OF = {
    "pid": "pid", "ppid": "ppid", "name": "name", "ses": "ses", "loginuid": "loginuid", "uid": "uids",
    "start": "start", "cgroup": "cgroup", "args": "cmdline",
}  # fmt: skip
"""The field of a Process that each column contains."""

LARGEST = 4294967295
"""The greatest valid number: the kernel's ids have 32 bits, and seconds since the epoch fit into 32 bits until 2106."""


class CsvSource(BaseSource):
    """The processes of a CSV file, which is read once, when the source is created."""

    def __init__(self, path: str | os.PathLike[str], host: str | None = None) -> None:
        """Read the file.

        Args:
            path: the file, in UTF-8.
            host: the name of the machine that the processes ran on; None: the file's name without its extension.

        Raises:
            InvalidParameterError: the file cannot be opened.
            RecordingError: it is no valid list of processes; the message contains the line.
        """
        self.label = os.fspath(path)
        self._host = host or os.path.splitext(os.path.basename(self.label))[0]
        processes = _read(self.label)
        # Starts are relative to the boot, but the file does not contain the time of the boot. The start of the earliest
        # process is used instead; this is pid 1 if the file has every process.
        self._boot = min((process.start for process in processes if process.start is not None), default=None)
        self._processes = [
            process if process.start is None else process._replace(start=process.start - (self._boot or 0))
            for process in processes
        ]

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del look, parts  # the file has neither the platform nor the vitals
        return Machine(self._host, btime=self._boot, ticks=1)  # a tick is a second: the unit of the file

    def read_processes(self, look: Look, query: ProcessQuery) -> Sequence[Process]:
        del look, query  # the base class filters out what the query does not name
        return self._processes


def _read(path: str) -> list[Process]:
    processes: dict[int, Process] = {}
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = csv.DictReader(file, skipinitialspace=True, strict=True)
            missing = [column for column in FACT_OF if column not in (rows.fieldnames or ())]
            if missing:
                reason = f"has no column {', '.join(missing)}" if rows.fieldnames else "is empty"
                raise RecordingError(f"{path} {reason}", f"name the columns in its first line: {','.join(FACT_OF)}")
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                process = _process(row, where)
                if process.pid in processes:
                    raise RecordingError(f"{where}: duplicate pid {process.pid}", "export one moment only")
                processes[process.pid] = process
    except OSError as error:
        raise InvalidParameterError(f"cannot read {path}: {error.strerror}", "give a CSV file") from None
    except csv.Error as error:
        raise RecordingError(f"{path} is not a CSV file: {error}", "export it again") from None
    if not processes:
        raise RecordingError(f"{path} has no process after its first line", "export it again")
    return list(processes.values())


def _process(row: dict[str, str], where: str) -> Process:
    if None in row or None in row.values():  # the csv module marks excess and missing cells in this way
        raise RecordingError(
            f"{where} has more or fewer cells than the first line", 'put a cell with a comma in quotes: "a,b"'
        )
    uid = _number(row, "uid", where)
    return Process(
        pid=_needed(row, "pid", where),
        ppid=_number(row, "ppid", where),
        name=row["name"] or None,
        ses=_needed(row, "ses", where),
        loginuid=_number(row, "loginuid", where),
        uids=None if uid is None else (uid, uid, uid, uid),  # the fact has four, the file one
        start=_number(row, "start", where),
        cgroup=row["cgroup"] or None,
        cmdline=_arguments(row["args"]),
        unread={fact: "its cell is empty" for column, fact in FACT_OF.items() if not row[column]},
    )


def _arguments(cell: str) -> bytes | None:
    """Return the content of /proc/PID/cmdline, with a NUL after each argument, if no argument contains a space."""
    return f"{cell} ".replace(" ", "\0").encode("utf-8", "surrogateescape") if cell else None


def _needed(row: dict[str, str], column: str, where: str) -> int:
    number = _number(row, column, where)
    if number is None:
        raise RecordingError(f"{where}: {column} is empty", f"give every process its {column}")
    return number


def _number(row: dict[str, str], column: str, where: str) -> int | None:
    cell = row[column]
    if not cell:
        return None
    if cell.isascii() and cell.isdecimal() and len(cell) <= len(str(LARGEST)) and int(cell) <= LARGEST:
        return int(cell)
    raise RecordingError(
        f"{where}: invalid {column} {cell!r}: expected a number from 0 to {LARGEST}", "leave an unknown cell empty"
    )
