"""Sizes of files and functions, and what a row of them comes to: median, 90th percentile, maximum."""

import ast
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from tests.house.source_files import Function, SourceFile


class Spread(NamedTuple):
    """A row of sizes in three numbers."""

    median: float
    p90: int
    maximum: int


def spread(sizes: Iterable[int]) -> Spread:
    """Return the median, the 90th percentile and the maximum."""
    ordered = sorted(sizes)
    return Spread(median(ordered), ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)], ordered[-1])


def file_lines(files: Sequence[SourceFile]) -> Spread:
    """Return the spread of lines a file."""
    return spread(file.line_count for file in files)


def function_lines(files: Sequence[SourceFile]) -> Spread:
    """Return the spread of lines a function body."""
    return spread(body_lines(function) for file in files for function in file.functions())


def body_lines(function: Function) -> int:
    """Return the lines of a function's body, from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def long_files(files: Iterable[SourceFile], most: int) -> list[str]:
    """Return the names of files with more lines than that."""
    return [file.name for file in files if file.line_count > most]


def long_functions(files: Iterable[SourceFile], most: int) -> list[str]:
    """Return the functions whose body has more lines than that, as FILE:FUNCTION."""
    return [
        f"{file.name}:{function.name}" for file in files for function in file.functions() if body_lines(function) > most
    ]
