"""Tests of answers/logon_session.py: logon sessions can be compared, kept in sets and printed."""

import copy
import pickle
from datetime import UTC, datetime

from logonscope import LogonSession

SESSION = LogonSession(
    "41", "alice", 1000, 10, "RemoteInteractive", start=datetime(2026, 1, 1, tzinfo=UTC), state="active",
    remote_host="203.0.113.7", processes=5, sources={"user": "logind"},
)  # fmt: skip


def test_sessions_are_equal_where_every_field_is() -> None:
    again = copy.deepcopy(SESSION)
    assert again == SESSION
    assert {again, SESSION} == {SESSION}
    assert pickle.loads(pickle.dumps(SESSION)) == SESSION  # noqa: S301 -- our own
    for other in (SESSION._replace(state="closing"), SESSION._replace(sources={}), SESSION._replace(logon_id="42")):
        assert other != SESSION
        assert len({other, SESSION}) == 2


def test_a_repr_says_who_came_from_where() -> None:
    assert repr(SESSION) == (
        "LogonSession(logon_id='41', user='alice', logon_type_name='RemoteInteractive', remote_host='203.0.113.7', "
        "state='active', ...)"
    )
    assert repr(LogonSession("4294967295")) == "LogonSession(logon_id='4294967295', ...)"


def test_a_notebook_shows_each_value_with_its_source_and_no_markup() -> None:
    html = SESSION._replace(remote_host="<script>alert(1)</script>")._repr_html_()
    assert "<caption>logon session 41</caption>" in html
    assert "<tr><th>user</th><td>alice</td><td>logind</td></tr>" in html
    assert "<tr><th>remote_host</th><td>&lt;script&gt;alert(1)&lt;/script&gt;</td><td></td></tr>" in html
    assert "seat" not in html
