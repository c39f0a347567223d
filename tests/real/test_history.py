"""The history of a whole machine beside what others say of the same logins: last(1) from wtmp, and the audit log.

``python -m tests.real.test_history`` prints both side by side.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.lab.fixtures import skip_or_fail
from tests.lab.lab import Lab
from tests.lab.packaged import CODE, HERE, begin, begin_events, forget, install, install_socket
from tests.lab.systemd import Machine, unavailable, wait_until
from tests.lab.systems import SYSTEMS_WITH_HOST_PIDS
from tests.real import audit, last

SECOND = timedelta(seconds=1)
COMMANDS = (
    "sleep 1.5; (sleep 1.2; exit 3); ls / >/dev/null; /bin/false; perl -e 'sleep 1; exit 7';"
    " bash -c 'sleep 1; exec sleep 1'"
)
Row = dict[str, Any]


@contextmanager
def keeping_machine() -> Iterator[Lab]:
    """Boot a machine that keeps its history, with the pids of the host."""
    with Machine(SYSTEMS_WITH_HOST_PIDS[0]) as machine:
        people = Lab(machine, machine.useradd("alice"), machine.useradd("bob"))
        install(machine, "history = true\n")
        begin_events(machine)
        install_socket(machine)
        begin(machine, HERE + CODE)
        yield people
        forget(machine)


@pytest.fixture(scope="module")
def keeping() -> Iterator[Lab]:
    if reason := unavailable():
        skip_or_fail(reason)
    with keeping_machine() as lab:
        yield lab


def history(lab: Lab, *words: str) -> list[Row]:
    """Ask for the history."""
    return lab.logonscope("history", *words)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_logins_of_last_are_in_the_history(keeping: Lab) -> None:
    with keeping.machine.ssh("alice", tty=True) as first:
        first.ask("sleep 1.2")
        with keeping.machine.ssh("bob", tty=True) as still_on, keeping.machine.ssh("bob") as without_terminal:
            still_on.ask("true")
            without_terminal.ask("true")
            # alice logs out by exit, not by a lost connection
            first.send("exit")
            first.process.wait(20)
            wait_until(lambda: has_all(keeping), 30, "the history has bob's logins and the end of alice's")
            # sshd writes the logout after the shell has ended
            wait_until(lambda: has_logout(keeping, "alice"), 30, "last has the logout of alice")
            compare(last.lines(keeping.machine), history(keeping, "--last"))


def has_all(lab: Lab) -> bool:
    """Return whether the history has what the test did."""
    rows = [row for row in history(lab, "--last") if row["service"] == "sshd"]
    ended = [row["end"] is not None for row in rows if row["user"] == "alice"]
    terminals = sorted(row["tty"] or "" for row in rows if row["user"] == "bob")
    return ended == [True] and len(terminals) == 2 and terminals[1].startswith("pts/")


def has_logout(lab: Lab, user: str) -> bool:
    """Return whether last has the logout of a user."""
    return any(line.user == user and line.end is not None for line in last.lines(lab.machine))


def compare(lines: list[last.LastLine], rows: list[Row]) -> None:
    """Compare the lines of last with the history: user, terminal, address, start and end."""
    logins = [line for line in lines if line.terminal != "system boot"]
    assert [line.user for line in logins] == ["bob", "alice"]
    remote = [row for row in rows if row["service"] == "sshd"]
    of_terminals = [row for row in remote if row["tty"] is not None]
    for line, row in zip(logins, of_terminals, strict=True):
        assert (row["user"], row["tty"], row["remote_address"]) == line[:3]
        # last has whole seconds, from when sshd opened and closed the terminal: after the login, before its end
        assert moment(row["start"]) - SECOND < line.start
        assert (row["end"] is None) is (line.end is None)
        if line.end is not None:
            assert line.start <= line.end < moment(row["end"]) + SECOND
    # a login without a terminal is in the history alone
    assert [row["user"] for row in remote if row["tty"] is None] == ["bob"]
    # wtmp has the boot of the machine, and the history that of its kernel
    assert sum(line.terminal == "system boot" for line in lines) == 1
    (boot,) = [row for row in rows if row["logon_type"] == 0]
    assert (boot["end"], rows[-1]) == (None, boot)
    assert moment(boot["start"]) <= min(line.start for line in lines)


def is_logged(lab: Lab, session: str) -> bool:
    """Return whether the audit log has the end of the shell."""
    return any(process.exit_code == 5 for process in audit.processes(lab.machine, session).values())


def run_audited(lab: Lab) -> tuple[dict[int, audit.Audited], list[Row]]:
    """Return what a login executed, by the audit log and by the history."""
    with audit.audited(lab.machine, lab.alice), lab.machine.ssh("alice", tty=True) as shell:
        session = shell.ask("cat /proc/self/sessionid; echo")
        shell.ask(COMMANDS)
        shell.send("exit 5")
        shell.process.wait(20)
        wait_until(lambda: all(row["end"] for row in history(lab, session)), 30, "the history has the end of the login")
        wait_until(lambda: is_logged(lab, session), 30, "the audit log has the end of the shell")
    return audit.processes(lab.machine, session), history(lab, session, "--processes")


def test_the_processes_of_the_audit_log_are_in_the_history(keeping: Lab) -> None:
    if reason := audit.unavailable():
        skip_or_fail(reason)
    if audit.is_running(keeping.machine):
        pytest.skip("another auditd runs on this kernel, which has one alone")
    by_audit, rows = run_audited(keeping)
    by_pid = {row["pid"]: row for row in rows}
    assert len(by_pid) == len(rows)
    assert len(by_audit) >= 8
    assert by_audit.keys() <= by_pid.keys()
    for pid in by_audit:
        process, row = by_audit[pid], by_pid[pid]
        assert process.exit_code in {None, row["exit_code"]}, (process, row)
        # one that ended at once can be without its program, but has no wrong one
        if row["executable"] is not None and process.programs:
            assert row["executable"] in process.programs, (process, row)
    # those that lasted have their first program
    lasting = {row["executable"] for row in rows if row["seconds"] >= 1 and by_audit.get(row["pid"])}
    assert {path.rsplit("/", 1)[1] for path in lasting} >= {"sleep", "bash", "perl"}
    assert {3, 5, 7} <= {row["exit_code"] for row in rows}


def test_a_process_that_enters_a_login_is_in_the_login(keeping: Lab) -> None:
    """PAM gives the login to a process that systemd has started, as for run0."""
    unit = ("systemd-run", "--pipe", "--wait", "-p", "PAMName=login", "-p", "User=alice", "--unit=entering")
    # the shell is the process that systemd started; it writes $$ for $
    words = "cat /proc/self/sessionid; echo; echo $$$$; sleep 1.3; exit 5"
    output = keeping.machine.run([*unit, "bash", "-c", words], check=False).stdout
    session, pid = output.split()[:2]

    def rows() -> list[Row]:
        return [row for row in history(keeping, session, "--processes") if row["pid"] == int(pid) and row["end"]]

    wait_until(rows, 30, "the history has the end of the shell")
    (row,) = rows()
    assert (row["executable"].rsplit("/", 1)[1], row["exit_code"], row["user"]) == ("bash", 5, "alice")
    assert row["seconds"] >= 1.3


def print_side_by_side() -> None:
    """Print what last and the audit log say, beside the history."""
    with keeping_machine() as lab:
        by_audit, rows = run_audited(lab)
        line = "{:<7} {:<24} {:>4}  {:<13} {:>7} {:>4}".format
        print(line("PID", "AUDIT LOG", "EXIT", "HISTORY", "SECONDS", "EXIT"))
        for row in rows:
            process = by_audit.get(row["pid"], audit.Audited([], None))
            programs = ", ".join(path.rsplit("/", 1)[1] for path in process.programs) or "-"
            print(line(
                row["pid"], programs, _text(process.exit_code), row["name"] or "?", row["seconds"],
                _text(row["exit_code"]),
            ))  # fmt: skip


def _text(number: int | None) -> str:
    return "-" if number is None else str(number)


if __name__ == "__main__":
    print_side_by_side()
