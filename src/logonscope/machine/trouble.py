"""Troubles: what could not be read, why, and what would help."""

from typing import NamedTuple

PARTIAL = "this recording"
"""What a Trouble is about that says why a recording is partial."""


class Trouble(NamedTuple):
    """Something that could not be read; reported once a question, not once a process."""

    what: str
    why: str
    do: str
