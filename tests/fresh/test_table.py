"""Tests of tests/fresh/__main__.py: the table shows what ran where, and the result."""

import pytest

from tests.fresh.__main__ import SYSTEMS, TEST, TRY, Row, closing_line, row_of, table
from tests.fresh.view import Done


def test_a_row_names_the_last_command_and_the_whole_seconds() -> None:
    row = row_of(SYSTEMS[1], "3.13.5", "cd there\nmake test\n", Done(0, "", 12.3), failed=False, word="12 passed")
    assert row == Row("Debian 13", "3.13.5", "`make test`", "12", "12 passed")
    assert table([row]).splitlines()[2] == "| Debian 13 | 3.13.5 | `make test` | 12 | 12 passed |"


def test_a_failure_shows_what_was_printed(capsys: pytest.CaptureFixture[str]) -> None:
    printed = "no such thing\n" + "SKIPPED [1] tests/x.py: no sshd\n" * 10_000
    row = row_of(SYSTEMS[0], "3.11.2", TRY, Done(2, printed, 1), failed=True, word="")
    assert (row.result, row.failed) == ("FAILED: exit code 2", True)
    shown = capsys.readouterr().err
    assert "no such thing" in shown
    assert "SKIPPED" not in shown


def test_of_tests_the_table_says_how_many_ran() -> None:
    printed = "...\n====== 5 passed, 1 skipped in 3.21s (0:00:03) ======\n"
    assert closing_line(TEST, Done(0, printed, 1)) == "5 passed, 1 skipped"
