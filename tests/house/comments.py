"""Comments: those for a reader on a line of their own, and those that silence the type checker or the linter."""

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.house.source_files import SourceFile, total_lines

LATE_IMPORT = "PLC0415"
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|fmt:|ruff:|mypy:|pragma:|!)")
_SUPPRESSION = re.compile(r"#\s*(?:ruff:\s*)?noqa(?::\s*(?P<codes>[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*))?")


def own_line_comments(files: Iterable[SourceFile]) -> int:
    """Return the number of lines that are a comment for a reader and nothing else."""
    return sum(
        token.line.lstrip().startswith("#") and not _DIRECTIVE.match(token.string)
        for file in files
        for token in _comments(file)
    )


def own_line_comments_per_100(files: Sequence[SourceFile]) -> float:
    """Return the number of such lines in 100."""
    return 100 * own_line_comments(files) / total_lines(tuple(files))


def type_ignores(files: Iterable[SourceFile]) -> int:
    """Return the number of lines whose types are not checked."""
    return sum("type: ignore" in token.string for file in files for token in _comments(file))


def type_ignores_per_1000(files: Sequence[SourceFile]) -> float:
    """Return the number of such lines in 1,000."""
    return 1000 * type_ignores(files) / total_lines(tuple(files))


def suppressions(files: Iterable[SourceFile]) -> Counter[str]:
    """Return how often each rule of the linter is switched off, by comments: the rules of one comment count once."""
    matches = (_SUPPRESSION.match(token.string) for file in files for token in _comments(file))
    return Counter(match["codes"] or "all" for match in matches if match)


def suppressions_per_1000(files: Sequence[SourceFile]) -> float:
    """Return the number of comments in 1,000 lines that switch a rule off; late imports are not counted."""
    total = sum(count for codes, count in suppressions(files).items() if codes != LATE_IMPORT)
    return 1000 * total / total_lines(tuple(files))


def _comments(file: SourceFile) -> Iterator[tokenize.TokenInfo]:
    tokens = tokenize.generate_tokens(io.StringIO(file.text).readline)
    return (token for token in tokens if token.type == tokenize.COMMENT)
