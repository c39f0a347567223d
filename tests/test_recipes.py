"""Tests of docs/recipes.md: every program on the page runs, and prints what the page shows."""

import importlib.util
import io
import re
import threading
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.environment import environment
from tests.example import recording
from tests.hosts import HostFolder
from tests.lab.fixtures import skip_or_fail
from tests.server.running import ADMIN, RunningServer, running

PAGE = Path(__file__).parents[1] / "docs/recipes.md"
SETUP = "import logonscope\n\nhost = logonscope.connect()\n"


class Recipe(NamedTuple):
    """A program of the page: the section that it is in, its text, and what it prints."""

    section: str
    program: str
    printed: str


def recipes() -> Iterator[Recipe]:
    """Yield the programs of the page."""
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        pattern = r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?"
        for program, printed in re.findall(pattern, section, re.DOTALL | re.MULTILINE):
            yield Recipe(section.partition("\n")[0], program, printed)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as listening:
        yield listening


def run(program: str, folder: Path) -> tuple[dict[str, Any], str]:
    """Run a program of the page in a folder with the example host; return its names and what it prints."""
    names: dict[str, Any] = {}
    out = io.StringIO(newline="\n")
    setup = SETUP.replace("connect()", f"connect({recording(folder)!r})")
    with chdir(folder), redirect_stdout(out):
        exec(setup + program, names)  # noqa: S102 -- our own page
    return names, out.getvalue().replace("\r\n", "\n")  # csv ends its lines as RFC 4180 has it


@pytest.mark.parametrize("recipe", list(recipes()), ids=lambda recipe: recipe.section)
def test_a_program_prints_what_the_page_shows(recipe: Recipe, server: RunningServer, tmp_path: Path) -> None:
    if "import pandas" in recipe.program and importlib.util.find_spec("pandas") is None:
        skip_or_fail("pandas is not installed: it is in the extra test-docs")
    program = recipe.program.replace("@web1", f"@127.0.0.1:{server.https}").replace("web1.crt", server.certificate)
    with environment(LOGONSCOPE_PASSWORD=ADMIN[1]):
        _, printed = run(program, tmp_path)
    assert printed == recipe.printed


def test_the_page_begins_with_what_every_program_needs() -> None:
    assert f"```python\n{SETUP}```" in PAGE.read_text(encoding="utf-8").split("\n## ")[0]


def test_every_section_is_in_the_list_of_contents() -> None:
    head, *sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    titles = [section.partition("\n")[0] for section in sections]
    assert re.findall(r"^- \[(.*)\]\(#(.*)\)$", head, re.MULTILINE) == [
        (title, title.lower().replace(" ", "-")) for title in titles
    ]


def test_watching_by_polling_sees_what_starts_and_what_ends(tmp_path: Path, host: HostFolder) -> None:
    (recipe,) = (recipe for recipe in recipes() if "def changes" in recipe.program)
    names, _ = run(recipe.program, tmp_path)
    host.process(10, "bash")
    changes = names["changes"](host.connect(), 0.05)

    def change() -> None:
        host.process(11, "sleep")
        host.end(10)

    timer = threading.Timer(0.02, change)
    timer.start()
    seen = {(what, process.pid) for what, process in (next(changes), next(changes))}
    timer.join()
    assert seen == {("started", 11), ("ended", 10)}
