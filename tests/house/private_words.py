"""Private words: words that engineers use as terms nowhere else, in docstrings, messages, comments and pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.house.source_files import ROOT, SourceFile

PRIVATE_WORDS = re.compile(
    r"""\b(?: told | tells? | whoever | whomever | somebody | anybody | everybody | (?<![`"'])nobody(?![`"'])
    | (?:come|comes|came|coming|let|lets)\ in | turned\ away | vouch(?:es|ed)? | half\ way | stands? | stood
    | meant | so\ it\ is | of\ ours | said )\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""Each has a plain word: return, report, list; a caller, a user; authenticate, reject; has a record; is written."""


def private_words(files: Iterable[SourceFile]) -> list[str]:
    """Return where a text or comment of Python files has such a word, as FILE:LINE WORD."""
    return [f"{file.name}:{line} {word}" for file in files for line, word in sorted(_in_python(file))]


def private_words_of_pages(pages: Iterable[Path]) -> list[str]:
    """Return the same of pages, as FILE:LINE WORD."""
    return [
        f"{page.relative_to(ROOT)}:{number} {match[0]}"
        for page in pages
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        for match in PRIVATE_WORDS.finditer(line)
    ]


def pages() -> list[Path]:
    """Return the pages for users and developers, without the list that quotes old messages."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(page for page in docs if page.name != "reworded-messages.md"),
    ]


def riddles(files: Iterable[SourceFile]) -> list[str]:
    """Return the files whose docstring opens with a question."""
    openings = ((file.name, (ast.get_docstring(file.tree) or "").partition("\n\n")[0]) for file in files)
    return [name for name, opening in openings if "?" in opening]


def _in_python(file: SourceFile) -> Iterator[tuple[int, str]]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _in_text(node.value, node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type == tokenize.COMMENT:
            yield from _in_text(token.string, token.start[0])


def _in_text(text: str, first_line: int) -> Iterator[tuple[int, str]]:
    for match in PRIVATE_WORDS.finditer(text):
        yield first_line + text.count("\n", 0, match.start()), match[0]
