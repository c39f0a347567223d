"""Tests of the rules for code: budgets of size, docstrings, names and imports, and a test of every source file.

``make house`` prints the figures; tests/house measures them.
"""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.house import docstrings, sizes
from tests.house.figures import figures
from tests.house.imports import import_cycles
from tests.house.source_files import COMPILED, PACKAGE, ROOT, SourceFile, project_files
from tests.server.auth.keytabs import WITHOUT_KERBEROS

WITH_GRIMP = pytest.mark.skipif(find_spec("grimp") is None, reason="needs the extra lint: make lint installs it")
WITH_KERBEROS = pytest.mark.skipif(find_spec("gssapi") is None, reason=WITHOUT_KERBEROS)
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path not in COMPILED)

MAX_FILE_LENGTH = 600
MAX_FUNCTION_LENGTH = 60

LONGER: dict[str, str] = {}
"""Files and functions (FILE:FUNCTION) over a maximum, each with the reason. Do not add to this list."""

TESTED_ELSEWHERE = {
    "__init__.py": "imports alone",
    "__main__.py": "run by tests/faces/cli/test_run.py as `python -m logonscope`",
    "facts/": "data without behaviour: whatever reads or makes it is tested",
    "answers/check.py": "data without behaviour: whatever makes it is tested",
    "machine/action.py": "data without behaviour: whatever makes or does it is tested",
    "machine/events.py": "data without behaviour: whatever makes it is tested",
    "machine/ownership.py": "a protocol; the tests of tests/ownership ask its implementations",
    "machine/snapshot.py": "data without behaviour: whatever reads or makes it is tested",
    "machine/trouble.py": "data without behaviour: whatever makes it is tested",
    "wire/wsman/names.py": "words alone; every conversation says them",
}
"""Source files without a test file of the same name, by file name or beginning of the path, each with the reason."""


LINUX_WORDS = re.compile(r"cgroup|sessionid|loginuid|user\.slice|\bses\b|kernel id|hidepid")
ABOVE = (
    "answers", "app.py", "broker", "cim", "client", "dispatch", "faces", "providers", "server", "wire", "wmi", "wql",
)  # fmt: skip
KNOWS_LINUX = {
    "providers/ls_": "classes of Linux's own facts",
    "faces/cli/whose_text.py": "the words of whose: evidence as it is found on Linux",
    "broker/doctor.py": "the words of doctor",
    "server/auth/pam.py": "why no PAM session is opened",
}
"""Beginnings of the paths of files above ownership and sources that name what only Linux has, each with the reason. Do
not add to this list."""


@pytest.mark.parametrize("file", project_files(), ids=lambda file: file.name)
def test_every_file_says_what_it_is_for(file: SourceFile) -> None:
    assert docstrings.without_module_docstring([file]) == []


def test_no_file_and_no_function_is_too_long() -> None:
    files = project_files()
    too_long = [*sizes.long_files(files, MAX_FILE_LENGTH), *sizes.long_functions(files, MAX_FUNCTION_LENGTH)]
    assert too_long == list(LONGER), f"split them: {MAX_FILE_LENGTH} lines a file, {MAX_FUNCTION_LENGTH} a function"


@WITH_GRIMP
def test_no_figure_misses_its_budget() -> None:
    missed = [figure for figure in figures() if not figure.is_within(figure.budget)]
    assert missed == [], "`python -m tests.house --places FOLDER` lists the places"


def test_the_public_api_is_documented() -> None:
    assert [name for name, documented in docstrings.public_api().items() if not documented] == []


@WITH_KERBEROS
def test_what_has_no_docstring_implements_what_has_one() -> None:
    assert docstrings.undocumented_methods() == []


def test_above_ownership_and_sources_nothing_names_what_only_linux_has() -> None:
    named = {
        name
        for name, text in ((str(relative(path)), path.read_text(encoding="utf-8")) for path in SOURCES)
        if name.startswith(ABOVE) and LINUX_WORDS.search(text)
    }
    unexpected = {name for name in named if not name.startswith(tuple(KNOWS_LINUX))}
    assert unexpected == set(), f"they contain {LINUX_WORDS.pattern}: use general words, or move this to ownership/"
    unneeded = {known for known in KNOWS_LINUX if not any(name.startswith(known) for name in named)}
    assert unneeded == set(), "remove them from KNOWS_LINUX"


@WITH_GRIMP
def test_there_is_no_import_cycle() -> None:
    assert import_cycles() == []


def test_every_source_file_has_the_test_file_of_its_name() -> None:
    missing = [str(path) for path in map(relative, SOURCES) if not (exempt(path) or has_test(path))]
    assert missing == [], "src/logonscope/X/Y.py needs tests/X/test_Y.py"


def test_every_exemption_is_still_needed() -> None:
    names = [str(path) for path in map(relative, SOURCES)]
    for exemption in TESTED_ELSEWHERE:
        assert any(name == exemption or name.startswith(exemption) or name.endswith(exemption) for name in names)


def relative(path: Path) -> Path:
    return path.relative_to(ROOT / "src/logonscope")


def exempt(path: Path) -> bool:
    return path.name in TESTED_ELSEWHERE or any(str(path).startswith(prefix) for prefix in TESTED_ELSEWHERE)


def has_test(path: Path) -> bool:
    folder = ROOT / "tests" / path.parent
    return (folder / f"test_{path.name}").exists() or (folder / "conversations" / f"{path.stem}.txt").exists()
