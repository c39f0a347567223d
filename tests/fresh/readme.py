"""The shell commands of a Markdown page, by heading."""

import re
from typing import NamedTuple

_PART = re.compile(r"^## (?P<heading>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Commands(NamedTuple):
    """One block of shell commands, under the last heading above it."""

    heading: str
    text: str


def shell_blocks(markdown: str) -> list[Commands]:
    """Return the page's blocks marked as ``sh``, in their order."""
    heading, blocks = "", []
    for part in _PART.finditer(markdown):
        heading = part["heading"] or heading
        if part["language"] == "sh":
            blocks.append(Commands(heading, part["text"]))
    return blocks


def block_with(markdown: str, heading: str, words: str) -> str:
    """Return the only block under a heading that has these words in it.

    Raises:
        LookupError: there is none, or more than one.
    """
    texts = [block.text for block in shell_blocks(markdown) if block.heading == heading and words in block.text]
    if len(texts) != 1:
        raise LookupError(f"{len(texts)} blocks of commands under {heading!r} have {words!r}: expected one")
    return texts[0]
