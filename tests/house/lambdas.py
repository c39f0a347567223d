"""Lambdas: in tables at module level they are columns; in a function they are a function without a name."""

import ast
from collections.abc import Iterable, Sequence

from tests.house.source_files import SourceFile, total_lines


def lambdas_in_functions(files: Iterable[SourceFile]) -> list[str]:
    """Return where a lambda stands in a function, or among its defaults, as FILE:LINE."""
    places: set[tuple[str, int, int]] = set()
    for file in files:
        for function in file.functions():
            inside = (node for node in ast.walk(function) if isinstance(node, ast.Lambda))
            places.update((file.name, node.lineno, node.col_offset) for node in inside)
    return [f"{name}:{line}" for name, line, _ in sorted(places)]


def lambdas_per_1000(files: Sequence[SourceFile]) -> float:
    """Return the number of lambdas in functions in 1,000 lines."""
    return 1000 * len(lambdas_in_functions(files)) / total_lines(tuple(files))
