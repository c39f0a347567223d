"""Wrong input: each line of a table has the exit code, the words that are typed, and the message.

A JSON message is written as it is printed. Versions of Python quote a list of choices differently.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conversation import reply
from tests.environment import environment
from tests.example import recording

TABLE = Path(__file__).parent / "wrong_input.txt"

WITHOUT_HOST = {"--host", "completion", "help", "serve", "user"}
"""Words of commands that ask no host, or a host of their own."""


class Row(NamedTuple):
    """A wrong input, and what it gets."""

    code: int
    typed: str
    message: str


def rows() -> Iterator[Row]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        code, typed, message = line.split(" | ", 2)
        yield Row(int(code), typed, message)


ROWS = list(rows())


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("host")
    with environment(COLUMNS="80", XDG_CONFIG_HOME=str(folder)) as patch:
        patch.chdir(folder)
        yield recording(folder)


@pytest.mark.parametrize("row", ROWS, ids=[row.typed for row in ROWS])
def test_a_wrong_input_gets_one_line_and_its_exit_code(row: Row, host: str) -> None:
    code, out, err = answered(row.typed, host)
    assert (code, out, err) == (row.code, "", f"{row.message}\n")


def test_there_are_many_of_them_and_each_is_there_once() -> None:
    assert len({row.typed for row in ROWS}) == len(ROWS) >= 150


def answered(typed: str, host: str) -> tuple[int, str, str]:
    """Type words; return exit code and both outputs, as the table has them."""
    words = shlex.split(typed)
    code, out, err = reply(words if WITHOUT_HOST.intersection(words) else [*words, "--host", host])
    unquoted = re.sub(r"\(choose from [^)]*\)", lambda found: found[0].replace("'", ""), err.replace(host, "web1.lsr"))
    return code, out, unquoted
