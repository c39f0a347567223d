"""Checks of ``doctor``: what was looked at, what was found, and what would help."""

from typing import NamedTuple


class Check(NamedTuple):
    """One thing that doctor looked at. ``ok`` None: nothing wrong, but worth knowing."""

    what: str
    ok: bool | None
    found: str
    do: str  # what would help; "" where nothing is to be done
