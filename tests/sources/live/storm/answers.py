"""Seconds of answers from the live index, and the files of /proc that they open."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence

import logonscope
from logonscope.client.host import Host
from tests.sources.live.history import live_source
from tests.sources.live.storm.kit import Options, Row, crowd, many_pids

LOGIN_SIZE = 10
SYSTEM_LOGON_ID = "4294967295"


class OpenCounter:
    """Counts what this process opens or lists in /proc, or relative to a directory."""

    def __init__(self) -> None:
        self.count = 0
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        # files of a process are opened relative to its directory
        if event in {"open", "os.listdir", "os.scandir"}:
            name = str(arguments[0])
            self.count += name.startswith("/proc") or not name.startswith("/")


def pairs(options: Options) -> Iterator[Row]:
    """Measure all pairs of many processes."""
    opens = OpenCounter()
    for count in (5_000, 50_000):
        with many_pids(2 * count), crowd(options.program, count), live_source() as source:
            for name, host in (
                ("live", logonscope.connect(source)),
                ("read from /proc", logonscope.connect(direct=True)),
            ):
                best, cpu, fewest = 9.0, 9.0, 1 << 30
                for _ in range(3):
                    before, began, cpu_began = opens.count, time.monotonic(), time.process_time()
                    rows = sum(1 for _ in host.enumerate("Win32_SessionProcess"))
                    best = min(best, (time.monotonic() - began) / rows)
                    cpu = min(cpu, (time.process_time() - cpu_began) / rows)
                    fewest = min(fewest, opens.count - before)
                yield Row(
                    f"Win32_SessionProcess of {rows:,} processes, {name}",
                    f"{1e6 * best:.2f} µs a row ({1e6 * cpu:.2f} µs of a processor), {fewest:,} files opened",
                )


def one_session(options: Options) -> Iterator[Row]:
    """Measure the processes of one logon session, among few and among many others."""
    for others in (0, 20_000):
        with (
            crowd(options.program, LOGIN_SIZE, LOGIN_SIZE),
            crowd(options.program, others, LOGIN_SIZE),
            live_source() as source,
        ):
            host = logonscope.connect(source)
            logon_id = next(logon_id for _, logon_id in host.session_processes() if logon_id != SYSTEM_LOGON_ID)
            for name, question in _questions(host, logon_id).items():
                count, times = 0, []
                for _ in range(51):
                    began = time.monotonic()
                    count = len(question())
                    times.append(time.monotonic() - began)
                times.sort()
                yield Row(
                    f"{name}, of one logon session of {LOGIN_SIZE} processes, beside {others:,} others",
                    f"{count} rows in {1e6 * times[25]:.0f} µs (median), {1e6 * times[0]:.0f} µs (best)",
                )


def _questions(host: Host, logon_id: str) -> dict[str, Callable[[], Sequence[object]]]:
    path = f'Win32_LogonSession.LogonId="{logon_id}"'
    text = f"SELECT * FROM Win32_SessionProcess WHERE Antecedent = '{path}'"
    return {
        "references": lambda: list(host.references(path, result_class="Win32_SessionProcess")),
        "query by Antecedent": lambda: list(host.query(text)),
        "processes()": lambda: list(host.processes(logon_id)),
    }
