"""Tests of docs/formats.md: the examples run, with jq, and print what the page shows."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.example import recording

PAGE = (Path(__file__).parents[1] / "docs/formats.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)

pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="needs jq: make test STRICT=1 installs it")


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_prints_what_the_page_shows(tmp_path: Path, number: int) -> None:
    commands, expected = EXAMPLES[number]
    command = f'logonscope() {{ {shlex.quote(sys.executable)} -m logonscope "$@"; }}'
    script = f"{command}\n{commands.replace('web1.lsr', recording(tmp_path))}"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == expected
