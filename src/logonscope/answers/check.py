"""Check: a result of ``doctor``, with what was checked, the finding, and what would help."""

from typing import NamedTuple


class Check(NamedTuple):
    """A result of ``doctor``.

    Attributes:
        what: the subject of the check, such as "rights".
        ok: whether it passed; None: this is information, not an error.
        found: the finding.
        do: what to do about it; "" if there is nothing to do.
    """

    what: str
    ok: bool | None
    found: str
    do: str
