"""Does the house keep its own rules? Budgets of size, docstrings, import cycles, and a test for every source file."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
COMPILED = ROOT / "src/logonscope/cim/schema/compiled.py"  # made when the wheel is built
SOURCES = sorted(path for path in (ROOT / "src/logonscope").rglob("*.py") if path != COMPILED)
PYTHON = [*SOURCES, *(path for folder in ("tests", "bench", "docs") for path in sorted((ROOT / folder).rglob("*.py")))]

LONGEST_FILE = 600
LONGEST_FUNCTION = 60
MOST_IGNORES = 1 / 1000

TESTED_ELSEWHERE = {
    "__init__.py": "imports alone",
    "__main__.py": "run by tests/faces/cli/test_run.py as `python -m logonscope`",
    "client/host.py": "a protocol; tests/client/test_local.py asks it",
    "facts/": "data without behaviour: whatever reads or makes it is tested",
    "answers/": "data without behaviour: whatever makes it is tested",
    "machine/": "data without behaviour: whatever reads or makes it is tested",
    "wire/wsman/names.py": "words alone; every conversation says them",
    "faces/cli/selector.py": "one argument and one sentence; every conversation uses them",
}
"""Source files without a test file of their own name, each with the reason. This list may only shrink."""


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long_and_each_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(ast.parse(text)), "no module docstring"


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in PYTHON
        for function in functions(path)
        if (function.end_lineno or 0) - function.body[0].lineno + 1 > LONGEST_FUNCTION
    ]
    assert too_long == []


def test_types_are_rarely_ignored() -> None:
    lines = [line for path in SOURCES for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum("type: ignore" in line for line in lines) <= len(lines) * MOST_IGNORES


def test_the_public_api_is_documented() -> None:
    import logonscope  # noqa: PLC0415 -- the module under test

    for name in logonscope.__all__:
        documented = getattr(logonscope, name)
        assert documented.__doc__, name
        methods = [value for key, value in vars(documented).items() if callable(value) and not key.startswith("_")]
        assert [method.__name__ for method in methods if name == "Host" and not method.__doc__] == []


def test_no_import_goes_round_in_a_circle() -> None:
    graph = grimp.build_graph("logonscope", exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert list(graphlib.TopologicalSorter(imports).static_order())


def test_every_source_file_has_the_test_file_of_its_name() -> None:
    missing = [str(path) for path in map(relative, SOURCES) if not (exempt(path) or has_test(path))]
    assert missing == []


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


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
