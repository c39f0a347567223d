"""Tests of the documentation: README's conversations and its Python run, and the walk is replayed."""

import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any, get_args

import pytest

import logonscope
from docs.reference import FOLDER, pages
from logonscope.answers.history import HistoryFilter, PastLogin, PastProcess
from logonscope.answers.host_event import HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import Whose
from logonscope.app import connect
from logonscope.faces.cli.parser import COMMANDS
from logonscope.faces.cli.settings import SETTINGS, parse_settings
from logonscope.providers.helpers.provider import Subject
from tests.conversation import Turn, answer, turns
from tests.environment import environment
from tests.example import recording
from tests.house.walk import REQUESTS, walk

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WALK = (ROOT / "docs/walk.md").read_text(encoding="utf-8")


def shown_turns() -> Iterator[Turn]:
    for page in (ROOT / "README.md", ROOT / "docs/wql.md"):
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            yield from turns(block)


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with environment():
        yield


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


def test_every_setting_of_the_command_line_is_explained() -> None:
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert parse_settings("example", example.encode()).keys() == set(SETTINGS)


def test_the_speeds_of_the_readme_are_those_of_the_speed_page() -> None:
    table = README.partition("## Speed")[2].partition("## More")[0]
    speeds = re.findall(r"[0-9.,]+ (?:ms|rows)", table)
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    assert len(speeds) >= 4
    assert [speed for speed in speeds if f" {speed}" not in page] == []


def test_every_command_is_in_the_readme() -> None:
    assert [command for command in COMMANDS if command not in README] == []


def test_every_link_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_decision_fits_on_a_page() -> None:
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 40, page.name


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="anyone but root sees less of a folder")
@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_walk_passes_the_files_that_the_page_names_in_their_order(request_name: str) -> None:
    section = WALK.split("\n## ")[1 + list(REQUESTS).index(request_name)]
    named = re.findall(r"\*\*`([\w./]+\.py)`\*\*", section)
    assert named == walk(request_name, "folder").files


@pytest.mark.parametrize("row", [LogonSession, SessionProcess, Whose, HistoryFilter, PastLogin, PastProcess, HostEvent])
def test_every_field_of_a_row_is_explained(row: type[Any]) -> None:
    section = (ROOT / "docs/python.md").read_text(encoding="utf-8").split(f"## {row.__name__}\n")[1].split("\n## ")[0]
    assert re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE))) == list(row._fields)


def test_the_source_of_the_page_is_used() -> None:
    page = (ROOT / "docs/adding-a-source.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    space: dict[str, Any] = {}
    exec("\n".join(programs), space)  # noqa: S102 -- our own page
    assert [(row.pid, row.logon_id) for row in space["host"].processes()] == [(1, "4294967295"), (7, "41")]


def test_the_page_lists_every_subject() -> None:
    page = (ROOT / "docs/adding-a-class.md").read_text(encoding="utf-8")
    table = page.split("| subject | elements of the item |")[1].split("\n\n")[0]
    listed = re.findall(r"^  \| ([a-z ]+) \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(get_args(Subject)), "docs/adding-a-class.md and Subject (helpers/provider.py)"


def test_the_page_of_recordings_lists_every_kind_of_row(tmp_path: Path) -> None:
    with gzip.open(recording(tmp_path), "rt", encoding="ascii") as file:
        _, header = json.loads(file.readline())
    page = (ROOT / "docs/recording.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(["header", *header["fields"], "end"])


def test_the_class_of_the_page_passes_its_own_test(tmp_path: Path) -> None:
    """The class is added to a copy of the package, as the page says, and the page's test runs with it."""
    page = (ROOT / "docs/adding-a-class.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^   ```(?:python)?\n(.*?)^   ```", page, re.DOTALL | re.MULTILINE)
    mof, commands, provider, test = map(textwrap.dedent, blocks)
    package = tmp_path / "src/logonscope"
    shutil.copytree(Path(logonscope.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "cim/schema/LS_SwitchedProcess.mof").write_text(mof, encoding="utf-8")
    (package / "providers/ls_switched_process.py").write_text(provider, encoding="utf-8")
    (tmp_path / "test_ls_switched_process.py").write_text(test, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path / "src"), str(ROOT)])
    build, show = commands.splitlines()
    for command in (build, show.replace("logonscope", "python -m logonscope", 1), "python -m pytest -q"):
        arguments = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(
            arguments, cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
