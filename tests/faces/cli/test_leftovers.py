"""Tests of faces/cli/leftovers.py: what it says if there are none."""

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.session_process import Leftovers
from logonscope.app import open_user_file
from logonscope.broker import Caller
from logonscope.client.local_host import LocalHost
from logonscope.faces.cli import run
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

SYSTEM_PIDS = {1, 2, 650, 700}


class WindowsLike(LocalHost):
    """A host that has logon sessions, but does not report which are logged out, as Windows does not."""

    def leftovers(self, which: int | str | None = None, where: LogonFilter | None = None) -> Leftovers:
        del which, where
        return Leftovers((), 0, 0)


def leftovers_of(snapshot: Snapshot, caller: Caller = ROOT, kind: type[LocalHost] = LocalHost) -> str:
    """Return what the command prints on a host without leftovers."""

    def connect(*_: Any, **__: Any) -> LocalHost:
        return kind(Memory(snapshot), LINUX, caller, save_recording)

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["leftovers", "--quiet"], connect, open_user_file)
    assert (code, out.getvalue()) == (1, "")
    return err.getvalue().removeprefix("logonscope: ").removesuffix("\n")


def test_a_host_without_any_login_has_no_leftovers() -> None:
    processes = [process for process in example.PROCESSES if process.pid in SYSTEM_PIDS]
    without = example.snapshot()._replace(processes=processes, logins=())
    assert leftovers_of(without) == "no leftovers: there is no logon session besides the System session"


def test_a_user_without_a_logon_session_does_not_learn_whether_there_are_others() -> None:
    message = "no leftovers: you may see no logon session; use sudo or --readable"
    assert leftovers_of(example.snapshot(), user(12345)) == message


def test_without_login_records_leftovers_are_not_determined() -> None:
    processes = [process for process in example.PROCESSES if process.pid in {*SYSTEM_PIDS, 4151}]
    assert leftovers_of(example.snapshot()._replace(processes=processes, logins=())) == (
        "cannot determine leftovers of 1 logon session: no login service has a record; see `logonscope doctor`"
    )


def test_a_host_that_does_not_report_logouts_is_not_said_to_have_no_leftovers() -> None:
    message = "cannot list leftovers: the host does not report which logon sessions are logged out"
    assert leftovers_of(example.snapshot(), kind=WindowsLike) == message
