"""Tests of faces/cli/encoding.py: a terminal that cannot draw lines gets ASCII of the same width."""

import codecs
import io
import os
import subprocess
from pathlib import Path

import pytest

from logonscope.faces.cli.encoding import ClosedOutput, in_ascii
from tests.example import recording
from tests.terminal import LOGONSCOPE, Terminal


def written(text: str, encoding: str) -> bytes:
    octets = io.BytesIO()
    codecs.register_error("in-ascii", in_ascii)
    stream = io.TextIOWrapper(octets, encoding, errors="in-ascii")
    stream.write(text)
    stream.flush()
    return octets.getvalue()


@pytest.mark.parametrize(
    ("encoding", "octets"),
    [
        ("ascii", b"|-- a\n`-- b> ? ???"),
        ("latin-1", b"|-- a\n`-- b> \xe9 ???"),
        ("utf-8", "├── a\n└── b… é 你好吗".encode()),
    ],
)
def test_what_cannot_be_shown_is_drawn_in_ascii(encoding: str, octets: bytes) -> None:
    assert written("├── a\n└── b… é 你好吗", encoding) == octets


def test_a_terminal_of_the_c_locale_gets_ascii(tmp_path: Path) -> None:
    with Terminal([*LOGONSCOPE, "--host", recording(tmp_path)], columns=60, lines=50, LC_ALL="C") as terminal:
        assert terminal.leave() == 0
        assert terminal.text.isascii()
        assert "`-- 3900 su - postgres\n    `-- 3901 [as postgres by su] -bash\n" in terminal.text
        assert "python3 -m http>\n" in terminal.text


def test_a_file_gets_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([*LOGONSCOPE, "--host", recording(tmp_path)], capture_output=True, env=env, check=True)
    assert "└── 3900" in done.stdout.decode()


def test_what_is_written_to_a_closed_output_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        print("x", file=ClosedOutput())
    assert not ClosedOutput().isatty()
