"""Identifiers that carry no noun: ``found``, ``told``, ``of``; a reader cannot guess what they hold."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.house.source_files import SourceFile, total_lines

NOUNLESS = frozenset({
    "found", "told", "said", "made", "known", "given", "asked", "of", "one", "other", "meant", "wanted", "at", "own",
    "kept", "done", "left", "who",
})  # fmt: skip


def nounless_names(files: Iterable[SourceFile]) -> Counter[str]:
    """Return how often each of these words is a name: of a variable where it is set or read, a field, a parameter.

    Functions and methods are not counted: there ``at(moment)`` and ``found(row)`` have a subject beside them.
    """
    return Counter(name for file in files for name in _names(file.tree) if name in NOUNLESS)


def nounless_per_1000(files: Sequence[SourceFile]) -> float:
    """Return how often they stand in 1,000 lines."""
    return 1000 * nounless_names(files).total() / total_lines(tuple(files))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
