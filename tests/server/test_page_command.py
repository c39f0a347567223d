"""Tests of server/page_command.py: which host the command opens. tests/page opens one in a browser."""

import argparse
from contextlib import chdir
from pathlib import Path

import pytest

from logonscope.errors import InvalidParameterError
from logonscope.server import page_command


def parsed(*words: str, host: str | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    page_command.add_arguments(parser)
    return parser.parse_args(words, argparse.Namespace(host=host))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (parsed("web1.lsr", host="web2.lsr"), "the recording and --host name two hosts"),
        (parsed(host="https://web1:5986"), "cannot open the page of another machine on this one"),
        (parsed("--port", "65536"), "invalid port 65536: expected 0 to 65535"),
        (parsed("nosuch"), r"recording 'nosuch' does not exist; give a file that host.record\(\) wrote$"),
    ],
)
def test_what_cannot_be_opened(args: argparse.Namespace, message: str) -> None:
    chosen: list[str | None] = []
    with pytest.raises(InvalidParameterError, match=message):
        page_command.run(args, chosen.append, "")  # type: ignore[arg-type]  # it is not called
    assert chosen == []


class OpenedError(Exception):
    """A host was chosen."""


@pytest.mark.parametrize(
    ("args", "name"), [(parsed("a.lsr"), "a.lsr"), (parsed(host="b.lsr"), "b.lsr"), (parsed(), None)]
)
def test_the_host_that_is_opened(args: argparse.Namespace, name: str | None, tmp_path: Path) -> None:
    for file_name in ("a.lsr", "b.lsr"):
        (tmp_path / file_name).touch()

    def choose(host: str | None) -> None:
        assert host == name
        raise OpenedError

    with chdir(tmp_path), pytest.raises(OpenedError):
        page_command.run(args, choose, "")  # type: ignore[arg-type]  # it returns nothing
