"""Tests of providers/helpers/profile_item.py: a profile has only its account, unless more was read."""

from logonscope.providers.helpers.profile_item import Profile
from tests.providers.asked import USERS


def test_a_profile_is_an_account_alone_at_first() -> None:
    assert Profile(USERS[0])[1:] == (None, None, None, None)
