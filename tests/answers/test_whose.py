"""Tests of answers/whose.py: an answer can be kept in a set and printed."""

from pathlib import Path

from logonscope import connect
from tests.example import recording


def test_answers_are_equal_where_every_field_is(tmp_path: Path) -> None:
    host = connect(recording(tmp_path))
    (answer,), (again,) = host.whose(":8080"), host.whose(":8080")
    assert answer == again
    assert {answer, again} == {answer}
    assert len({answer, answer._replace(target="4312")}) == 2


def test_a_repr_says_whose_it_is(tmp_path: Path) -> None:
    (answer,) = connect(recording(tmp_path)).whose(4312)
    assert repr(answer).startswith(
        "Whose(target='4312', pid=4312, logon_id='41', evidence='audit', session=LogonSession("
    )


def test_a_notebook_shows_the_way_from_the_login_and_no_markup(tmp_path: Path) -> None:
    (answer,) = connect(recording(tmp_path)).whose(":8080")
    html = answer._repr_html_()
    assert "<caption>whose :8080</caption>" in html
    assert "<tr><th>sockets</th><td>tcp 0.0.0.0:8080 LISTEN</td></tr>" in html
    assert "sshd 4100 &gt; sshd 4150 &gt; bash 4151 &gt; sudo 4300 &gt; python3 4312" in html
    evil = answer._replace(chain=(answer.process._replace(name="<script>"),), target="<script>")
    assert "<script" not in evil._repr_html_()
