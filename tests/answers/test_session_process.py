"""Tests of answers/session_process.py: processes and trees can be compared, kept in sets and printed."""

import copy
import pickle
from pathlib import Path

import pytest

from logonscope import Host, connect
from tests.example import recording


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return connect(recording(tmp_path))


def test_processes_are_equal_where_every_field_is(host: Host) -> None:
    processes, again = list(host.processes()), list(host.processes())
    assert processes == again
    assert set(processes) == {*processes, *again, *copy.deepcopy(again)}
    assert len(set(processes)) == len(processes)
    assert pickle.loads(pickle.dumps(processes)) == processes  # noqa: S301 -- our own
    first = processes[0]
    assert len({first, first._replace(state="Z"), first._replace(unread={"exe": "Permission denied"})}) == 3


def test_every_answer_that_is_a_row_is_a_key_of_a_dict(host: Host) -> None:
    answers = [
        *host.sessions(), *host.tree(), *host.whose("python3"), *host.doctor(), host.leftovers(), host.session_of(4312),
        host.explain("SELECT Handle FROM Win32_Process WHERE Name = 'sshd'"),
        host.invoke("Win32_Process=4312", "GetOwner"),
    ]  # fmt: skip
    assert len(dict.fromkeys(answers)) == len(answers)


def test_reprs_are_short_and_have_no_command_line(host: Host) -> None:
    (process,) = (row for row in host.processes() if row.pid == 4312)
    assert (
        repr(process) == "SessionProcess(pid=4312, name='python3', user='root', logon_id='41', evidence='audit', ...)"
    )
    assert repr(host.leftovers()) == "Leftovers(processes=<2>, known=4, unknown=1)"
    assert repr(host.tree(37)[0]) == (
        "LogonTree(session=LogonSession(logon_id='37', user='bob', remote_host='198.51.100.9', state='logged out', "
        "...), processes=<2>)"
    )


def test_a_notebook_shows_tables_in_which_no_command_line_is_markup(host: Host) -> None:
    tree = host.tree(41)[0]
    evil = tree.processes[0]._replace(command_line="<script>alert(1)</script>", name="<b>")
    leftovers = host.leftovers()
    for answer in (evil, tree._replace(processes=(evil,)), leftovers._replace(processes=(evil,))):
        html = answer._repr_html_()
        assert "<script" not in html
        assert "<b>" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<caption>logon session 41 of alice: 5 processes</caption>" in tree._repr_html_()
    assert (
        "<caption>hidden or unknown logon sessions: 0 processes</caption>"
        in tree._replace(session=None, processes=())._repr_html_()
    )
    assert "2 leftovers; known of 4 logon sessions, unknown of 1" in leftovers._repr_html_()
