"""Tests of faces/cli/process_text.py: a process without a command line has its name, as in ps(1)."""

import pytest

from logonscope.answers.session_process import SessionProcess
from logonscope.faces.cli.process_text import command_text


@pytest.mark.parametrize(
    ("name", "state", "command_line", "text"),
    [
        ("sh", "S", "sh -c true", "sh -c true"),
        ("kthreadd", "S", None, "[kthreadd]"),
        ("sh", "Z", "", "[sh] <defunct>"),
        (None, None, None, "[?]"),
    ],
)
def test_a_process_has_its_command_line_or_its_name(
    name: str | None, state: str | None, command_line: str | None, text: str
) -> None:
    row = SessionProcess("41", "audit", 7, 1, name, "alice", 1000, 1000, None, None, state, None, None, None, {})
    assert command_text(row._replace(command_line=command_line)) == text
