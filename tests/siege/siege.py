"""One attack on the unit: begun on a fresh server, watched by root and an administrator, and judged by its bounds."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tests.lab.systemd import Machine
from tests.siege.attack import attacking
from tests.siege.scale import Scale
from tests.siege.unit import CERTIFICATE, SOCKET, Unit

AUDIT_LOG = 'audit_log = "/var/log/logonscope/audit"\n'
METHODS = "allow_methods = true\n"
ROOT = """DynamicUser=no
AmbientCapabilities=
CapabilityBoundingSet=CAP_KILL CAP_SYS_NICE CAP_SETUID CAP_SETGID
SystemCallFilter=@setuid @resources
ReadWritePaths=-/run/faillock
"""
"""What the comments of the unit say that allow_methods wants."""


class Siege:
    """The unit under attack: what an attack needs to know, and what it noted."""

    def __init__(self, unit: Unit, scale: Scale) -> None:
        self.unit, self.machine, self.scale = unit, unit.machine, scale
        self.pid = unit.main_pid()
        self.cursor = unit.cursor()
        self.problems: list[str] = []

    def expect(self, condition: object, problem: str) -> None:
        """Note what is wrong, unless the condition holds."""
        if not condition:
            self.problems.append(problem)

    def log(self) -> list[str]:
        """Return the lines of the log since the attack began."""
        return self.unit.log(self.cursor)


class Bounds(NamedTuple):
    """What an attack may cost others."""

    growth: float = 100.0
    """MiB that memory may grow by at its peak."""
    remainder: float = 40.0
    """MiB of these that may still be there a while after."""
    administrator_seconds: float = 15.0
    """The slowest answer to an administrator, and to root."""
    log_lines: int = 10
    """Lines of the log; those that the case counts itself come on top."""


class Case(NamedTuple):
    """A case of the table."""

    name: str
    attack: Callable[[Siege], str]
    """Attacks until it is over, notes problems, and returns what was done."""
    settings: str = ""
    drop_in: str = ""
    bounds: Bounds = Bounds()


class Figures(NamedTuple):
    """What an attack came to; memory in MiB, times in seconds."""

    case: str
    done: str
    before: float
    peak: float
    after: float
    root: float
    administrator: float
    log_bytes: int
    problems: tuple[str, ...]


def besiege(machine: Machine, case: Case, scale: Scale) -> Figures:
    """Start the unit, attack it, and return what came of it."""
    unit = Unit(machine)
    with unit.running(AUDIT_LOG + case.settings, case.drop_in):
        with attacking(machine, "watcher", SOCKET, unit.tls_port, CERTIFICATE) as watcher:
            siege = Siege(unit, scale)
            unit.forget_peak(siege.pid)
            before = unit.memory(siege.pid)
            done = case.attack(siege)
            watched = watcher.outcome()
        time.sleep(scale.recovery_seconds)
        log = siege.log()
        is_alive = unit.main_pid() == siege.pid
        siege.expect(is_alive, f"the server ended, its log with {log[-2:]}")
        peak, after = (unit.memory(siege.pid, "VmHWM"), unit.memory(siege.pid)) if is_alive else (0.0, 0.0)
        root, administrator = watched["root"]["worst"], watched["administrator"]["worst"]
        figures = Figures(case.name, done, before, peak, after, root, administrator, _size(log), ())
        _judge(siege, case.bounds, figures, watched, log)
    return figures._replace(problems=tuple(siege.problems))


def _size(log: list[str]) -> int:
    return sum(len(line.encode()) + 1 for line in log)


def _judge(
    siege: Siege, bounds: Bounds, figures: Figures, watched: dict[str, dict[str, list[str]]], log: list[str]
) -> None:
    growth, remainder = figures.peak - figures.before, figures.after - figures.before
    siege.expect(growth <= bounds.growth, f"memory grew by {growth:.0f} MiB, more than {bounds.growth:.0f}")
    if siege.scale.recovery_seconds:
        siege.expect(remainder <= bounds.remainder, f"{remainder:.0f} MiB are kept, more than {bounds.remainder:.0f}")
    for name, seconds in (("root", figures.root), ("an administrator", figures.administrator)):
        most = bounds.administrator_seconds
        siege.expect(seconds <= most, f"{name} waited {seconds:.1f} s, more than {most:g}")
    for name, watch in watched.items():
        failures = watch["failures"]
        siege.expect(
            not failures, f"{name} had no answer {len(failures)} of {watch['count']} times: {set(failures[:9])}"
        )
    siege.expect(len(log) <= bounds.log_lines, f"{len(log)} lines of log, more than {bounds.log_lines}")
    siege.expect(not any("Traceback" in line for line in log), "a traceback in the log")
