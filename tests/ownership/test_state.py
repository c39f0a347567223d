"""ownership/state.py: does a login stand as the login service says, unless the kernel knows better?"""

import pytest

from logonscope.facts import Login
from logonscope.ownership.state import is_leftover, state

SESSION, MANAGER = Login("41", 1000, cls="user"), Login("user@1000.service", 1000, cls="manager")

TABLE = [
    # login, the service's word, is the leader gone -> state, leftover
    (SESSION, "active", False, "active", False),
    (SESSION, "online", False, "online", False),
    (SESSION, "opening", False, "online", False),
    (SESSION, "closing", False, "closing", False),
    (SESSION, "active", True, "logged out", True),
    (SESSION, "closing", True, "logged out", True),
    (SESSION, None, True, "logged out", True),
    (SESSION, "active", None, "active", None),
    (SESSION, "closing", None, "closing", None),
    (SESSION, None, False, None, False),
    (SESSION, "something new", False, None, False),
    (SESSION, "lingering", False, None, False),
    (MANAGER, "lingering", False, "lingering", False),
    (MANAGER, "active", False, "active", False),
    (MANAGER, "active", True, "logged out", True),
]


@pytest.mark.parametrize(("login", "said", "gone", "expected", "leftover"), TABLE)
def test_the_state_is_that_of_the_table(
    login: Login, said: str | None, gone: bool | None, expected: str | None, leftover: bool | None
) -> None:
    login = login._replace(state=said, gone=gone)
    assert (state(login), is_leftover(login)) == (expected, leftover)


def test_where_nobody_vouches_nothing_is_known() -> None:
    assert (state(None), is_leftover(None)) == (None, None)
