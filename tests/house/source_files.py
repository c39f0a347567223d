"""The Python files of the project, each read and parsed once."""

import ast
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/logonscope"
COMPILED = {PACKAGE / "cim/schema/compiled.py", PACKAGE / "wql/compiled.py"}  # generated when the wheel is built

Function = ast.FunctionDef | ast.AsyncFunctionDef


class SourceFile:
    """A Python file: its text and its syntax tree."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __repr__(self) -> str:
        return f"SourceFile({self.name!r})"

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return ast.parse(self.text)

    @property
    def line_count(self) -> int:
        """Return the number of lines."""
        return len(self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


@lru_cache(1)
def package_files() -> tuple[SourceFile, ...]:
    """Return the files of the package, without the generated schema."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")) if path not in COMPILED)


@lru_cache(1)
def suite_files() -> tuple[SourceFile, ...]:
    """Return the files of the tests."""
    return _folder("tests")


@lru_cache(1)
def project_files() -> tuple[SourceFile, ...]:
    """Return every Python file: the package, its tests, the bench and the documentation's scripts."""
    return (*package_files(), *suite_files(), *_folder("bench"), *_folder("docs"))


def total_lines(files: tuple[SourceFile, ...]) -> int:
    """Return the number of lines of files."""
    return sum(file.line_count for file in files)


def _folder(name: str) -> tuple[SourceFile, ...]:
    return tuple(map(_read, sorted((ROOT / name).rglob("*.py"))))


def _read(path: Path) -> SourceFile:
    return SourceFile(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
