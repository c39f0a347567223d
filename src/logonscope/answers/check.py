"""Check: a result of ``doctor``, with what was checked, the finding, and what would help."""

from typing import NamedTuple


class Check(NamedTuple):
    """A result of ``doctor``. ``ok`` None: no error, but worth knowing."""

    what: str
    ok: bool | None
    found: str
    do: str  # what would help; "" if there is nothing to do
