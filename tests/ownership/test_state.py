"""ownership/state.py: how does a login stand, and what of it is left over?"""

import pytest

from logonscope.facts import Login
from logonscope.ownership import is_leftover, state


@pytest.mark.parametrize(
    ("said", "gone", "cls", "expected", "leftover"),
    [
        ("active", False, "user", "active", False),
        ("online", False, "user", "online", False),
        ("opening", False, "user", "online", False),
        ("closing", False, "user", "closing", False),
        ("closing", True, "user", "logged out", True),
        ("active", True, "user", "logged out", True),
        ("lingering", False, "manager", "lingering", False),
        ("lingering", False, "user", None, False),
        ("active", None, "user", "active", None),
        ("nonsense", False, "user", None, False),
        (None, False, "user", None, False),
    ],
)
def test_the_leader_decides_before_the_service(
    said: str | None, gone: bool | None, cls: str, expected: str | None, leftover: bool | None
) -> None:
    login = Login("1", 1000, state=said, gone=gone, cls=cls)
    assert (state(login), is_leftover(login)) == (expected, leftover)


def test_where_nobody_vouches_nothing_is_said() -> None:
    assert (state(None), is_leftover(None)) == (None, None)
