"""Result type of ``doctor``: what was checked, the finding, and advice."""

from collections.abc import Mapping
from typing import NamedTuple


class Check(NamedTuple):
    """A result of ``doctor``.

    Attributes:
        subject: what was checked, such as "rights".
        ok: whether the check passed; None: the finding is information, not an error.
        finding: the result, in words.
        advice: what to do about it; "" if there is nothing to do.
        figures: the numbers of the finding, by name, such as {"losses": 0}; None: the finding has no numbers.
    """

    subject: str
    ok: bool | None
    finding: str
    advice: str
    figures: Mapping[str, int] | None = None
