"""Tests of faces/cli/whose_table.py: a line for each answer, and "-" for what is not known."""

import argparse

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import Whose
from logonscope.faces.cli.whose_table import print_answers

ALICE = LogonSession("41", user="alice", uid=1000, logon_type=3, logon_type_name="Network", sources={"logon_type": "x"})


def answer(pid: int, user: str | None, uid: int | None) -> Whose:
    process = SessionProcess("41", "audit", pid, 1, "sh", user, uid, 1000, None, None, "S", None, None, None, {})
    return Whose("sh", pid, "41", "audit", ALICE, process, (process,), ())


def test_the_user_of_a_process_is_a_name_a_uid_or_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    print_answers(argparse.Namespace(), [answer(7, "alice", 1000), answer(8, None, 4000), answer(9, None, None)])
    _, *lines, hint = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [["7", "alice", "41"], ["8", "4000", "41"], ["9", "-", "41"]]
    assert hint.startswith("`logonscope whose 7` shows")
