"""Troubles: what could not be read, the reason, and what to do."""

from typing import NamedTuple

PARTIAL = "this recording"
"""``what`` of the Trouble whose ``why`` is the reason that a recording is partial."""

SOCKETS = "sockets"
"""``what`` of every Trouble about files that list sockets."""


class Trouble(NamedTuple):
    """Something that could not be read; reported once per request, not once per process."""

    what: str
    why: str
    do: str
