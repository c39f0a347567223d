"""What does it cost to join every process with its service? Beside a loop that reads one file of each, and ps."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

import logonscope
from bench.contest import Field, call, contest
from bench.crowd import crowd
from bench.plan import Plan
from bench.table import Row, at_most, milliseconds
from bench.tools import UnavailableError

SERVICES = 20
"""Services that the crowd is divided among; each is a cgroup, which is removed afterwards."""

MAX_RATIO_TO_LOOP = 3.0
"""Aim: how much longer than the bare reading; the bare loop decides no logon session and makes no instance."""

OURS, ALL, LOOP, PS = (
    "SELECT Antecedent, Dependent FROM LS_ServiceProcess", "host.services()", "bare Python loop, cgroup alone",
    "ps -eo pid,unit (the whole command)",
)  # fmt: skip
_UNIT = re.compile(rb"^0::(?:/[^/\n]*\.slice)*/_?([^/\n]*\.service)(?:/|$)", re.MULTILINE)


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure the join with a crowd that belongs to services."""
    question = f"services and processes joined, {plan.size:,} more processes in {SERVICES} services"
    try:
        with _cgroups() as folders, crowd(tools, plan.size, "none") as pids:
            _divide(pids, folders)
            yield from _joined(question, plan, pids)
    except (UnavailableError, OSError) as why:
        yield Row(question, OURS, f"not measured: {why}")


def _joined(question: str, plan: Plan, pids: Sequence[int]) -> Iterator[Row]:
    host = logonscope.connect()

    def ours() -> list[logonscope.Instance]:
        return list(host.query(OURS, namespace="root/logonscope"))

    members = {int(row["Dependent"].split('"')[1]): row["Antecedent"].split('"')[3] for row in ours()}
    measure = bare_join()
    agree = sum(members.get(pid) == measure.get(pid) for pid in pids)
    field = Field()
    field.enter(OURS, lambda: call(ours))
    field.enter(ALL, lambda: call(host.services))
    field.enter(LOOP, lambda: call(bare_join))
    field.enter(PS, lambda: call(_ps))
    seconds = contest(field.turns, plan.rounds)
    mine, loop = seconds[OURS], seconds[LOOP]
    said = f"{agree:,} of {len(pids):,} rows are equal to those of the loop"
    yield Row(question, OURS, f"{milliseconds(mine)}, {len(members) / mine:,.0f} rows a second", said)
    yield Row(question, ALL, milliseconds(seconds[ALL]))
    yield Row(
        question, LOOP, milliseconds(loop), f"ours takes {mine / loop:.2f} x", at_most(mine / loop, MAX_RATIO_TO_LOOP)
    )
    if PS in seconds:
        yield Row(question, PS, milliseconds(seconds[PS]), f"takes {seconds[PS] / mine:.2f} x ours")


def bare_join() -> dict[int, str]:
    """Read the cgroup of every process, and take the first component that is no slice."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                file = os.open(f"/proc/{name}/cgroup", os.O_RDONLY)
            except OSError:
                continue
            match = _UNIT.search(os.read(file, 16384))
            os.close(file)
            if match:
                found[int(name)] = match[1].decode()
    return found


def _ps() -> None:
    subprocess.run(["ps", "-eo", "pid,unit"], capture_output=True, check=True)


@contextmanager
def _cgroups() -> Iterator[list[str]]:
    """Make the cgroups of the services, and remove them.

    Raises:
        UnavailableError: no cgroup2 is mounted.
    """
    with open("/proc/mounts", encoding="utf-8") as file:
        places = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    if not places:
        raise UnavailableError("no cgroup2 is mounted here")
    folders = [f"{places[0]}/logonscope-bench-{number}.service" for number in range(SERVICES)]
    for folder in folders:
        os.mkdir(folder)
    try:
        yield folders
    finally:
        for folder in folders:
            os.rmdir(folder)


def _divide(pids: Sequence[int], folders: Sequence[str]) -> None:
    for pid, folder in zip(pids, cycle(folders), strict=False):
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
