"""Tests of docs/json.md: the examples run, with curl and jq, and print what the page shows."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.fixtures import skip_or_fail
from tests.server.running import RunningServer, running

PAGE = (Path(__file__).parents[1] / "docs/json.md").read_text(encoding="utf-8")
SOCKET = "/run/logonscope/socket"
EXAMPLES = re.findall(r"```sh\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)
POST = next(line for line in PAGE.splitlines() if line.startswith("post() "))

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq: make test STRICT=1 installs them"
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    if os.geteuid() != 0:
        skip_or_fail("on a unix socket, root alone is an administrator")
    with running() as found:
        yield found


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_prints_what_the_page_shows(server: RunningServer, number: int) -> None:
    commands, expected = EXAMPLES[number]
    script = f"{POST}\n{commands}".replace(SOCKET, server.unix)
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == expected
