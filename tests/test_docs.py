"""Is the prose true? README's conversations and its Python are run, and the walk is walked."""

import io
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from docs.reference import FOLDER, pages
from logonscope.answers import LogonSession, SessionProcess, Whose
from logonscope.app import connect, users
from logonscope.faces.cli import run
from logonscope.faces.cli.parser import COMMANDS
from tests.conversation import Turn, answer, turns
from tests.example import recording

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WALK = (ROOT / "docs/walk.md").read_text(encoding="utf-8")


def shown_turns() -> Iterator[Turn]:
    for page in (ROOT / "README.md", ROOT / "docs/wql.md"):
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            yield from turns(block)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("turn", list(shown_turns()), ids=lambda turn: turn.typed)
def test_a_page_shows_what_is_printed(turn: Turn, tmp_path: Path) -> None:
    assert answer(turn.typed, recording(tmp_path)) == turn.answer


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    recording(tmp_path)
    out = io.StringIO()
    with chdir(tmp_path), redirect_stdout(out):
        exec(program.replace("connect()", 'connect("web1.lsr")'), {})  # noqa: S102 -- our own README
    assert "41 alice RemoteInteractive 203.0.113.7 active\n" in out.getvalue()
    assert "4294967295 none /proc/stat, btime\n" in out.getvalue()


def test_the_example_of_instances_runs(tmp_path: Path) -> None:
    section = (ROOT / "docs/python.md").read_text(encoding="utf-8").split("## Instance\n")[1]
    (program,) = re.findall(r"^```python\n(.*?)^```", section.split("\n## ")[0], re.DOTALL | re.MULTILINE)
    out = io.StringIO()
    with redirect_stdout(out):
        exec(program, {"host": connect(recording(tmp_path))})  # noqa: S102 -- our own page
    assert out.getvalue().splitlines()[-1] == "41 2026-01-01 10:02:00+00:00"


def test_the_reference_is_as_the_schema_and_the_providers_have_it() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert written == pages(), "run `python -m docs.reference`"


def test_every_command_stands_in_the_readme() -> None:
    assert [command for command in COMMANDS if command not in README] == []


def test_every_link_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_decision_fits_on_a_page() -> None:
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 40, page.name


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the walk reads this machine")
def test_the_walk_is_walked_in_its_order() -> None:
    stations = re.findall(r"\*\*`([\w.]+)`\*\*", WALK)
    called: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.append(f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}")

    threading.setprofile(note)  # processes are read in a thread that can be left behind
    sys.setprofile(note)
    try:
        with redirect_stdout(io.StringIO()):
            assert run(["whose", str(os.getpid())], connect, users) == 0
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    walked = [name.removeprefix("logonscope.") for name in called if name.startswith("logonscope.")]
    at = 0
    for station in stations[1:]:  # the first is the console script itself, which runs in its own process
        assert station in walked[at:], f"{station} is not called after {stations[: stations.index(station)]}"
        at = walked.index(station, at)
    assert stations[0] == "app.main"


@pytest.mark.parametrize("row", [LogonSession, SessionProcess, Whose])
def test_every_field_of_a_row_is_explained(row: type[Any]) -> None:
    section = (ROOT / "docs/python.md").read_text(encoding="utf-8").split(f"## {row.__name__}\n")[1].split("\n## ")[0]
    assert re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE))) == list(row._fields)
