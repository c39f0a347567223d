"""Tests of tests/house/walk.py: the files that a request passes, and its returns to files."""

import os

import pytest

from tests.house.walk import Step, Walk, lines, returns, summary, visits, walk

MOST = {
    ("whose", "folder"): (41, 340),
    ("whose", "recording"): (32, 351),
    ("wql", "folder"): (47, 311),
    ("wql", "recording"): (39, 225),
    ("associators", "folder"): (54, 423),
    ("associators", "recording"): (40, 361),
}
"""Maximum numbers of files, and of returns to a file already left, by request and form of the example host.

They may only become smaller. If a change adds a file to a request and this is justified, raise the number, name the
file in docs/walk.md, and give the reason in the commit. Which files are passed: ``python -m tests.house.walk``.
"""

FOLLOWED = Walk([Step("b", "parse"), Step("a", "run"), Step("b", "parse"), Step("b", "text")], [Step("a", "run")])


@pytest.mark.parametrize(("request_name", "host"), MOST, ids=str)
def test_a_request_passes_no_more_files_than_it_did(request_name: str, host: str) -> None:
    if host == "folder" and os.geteuid():
        pytest.skip("run as root: anyone else sees less of a folder, by another way")
    followed = walk(request_name, host)
    most_files, most_returns = MOST[request_name, host]
    assert len(followed.files) <= most_files, summary(request_name, followed)
    assert followed.returns <= most_returns, summary(request_name, followed)


def test_a_return_is_to_a_file_that_was_left() -> None:
    assert [returns(files) for files in ("", "a", "aab", "aba", "abab", "abca")] == [0, 0, 0, 1, 2, 1]


def test_files_stand_in_the_order_in_which_they_are_entered() -> None:
    assert list(lines(FOLLOWED)) == ["  1 b: parse, text", "  2 a: run"]
    assert (FOLLOWED.files, FOLLOWED.returns) == (["b", "a"], 0)
    assert list(visits(FOLLOWED._replace(warm=FOLLOWED.cold))) == [
        "   1   b: parse", "   2   a: run", "   3 < b: parse, text",
    ]  # fmt: skip


def test_a_walk_begins_at_the_console_script_and_ends_at_the_printed_answer() -> None:
    followed = walk("whose", "recording")
    assert followed.files[:3] == ["command.py", "faces/cli/run.py", "faces/cli/parser.py"]
    assert followed.files[-1].startswith("faces/cli/")
    assert not [step for step in followed.cold if step.function == "<module>"]


def test_a_request_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="NotFoundError"):
        walk("associators", "recording", 1234)
