"""A caller of the past: its own is what its account owned then."""

from datetime import UTC, datetime

import pytest

from logonscope.broker import Caller
from logonscope.broker.access import UNUSED_UID, past_caller
from logonscope.broker.past import request_at
from logonscope.broker.request import Request
from logonscope.errors import AccessDeniedError, NotSupportedError
from logonscope.ownership import LINUX
from tests.broker.test_history import Present

BOB = Caller("bob", 1001, administrator=False)


def test_a_uid_counts_only_with_the_same_name() -> None:
    assert past_caller(BOB, "bob", "bob") == BOB
    assert past_caller(BOB, "bob", "carol").uid == UNUSED_UID
    assert past_caller(BOB, None, None).uid == UNUSED_UID
    root = Caller("root", 0, administrator=True)
    assert past_caller(root, "root", "toor") == root


def test_a_host_without_history_and_a_stranger_are_refused() -> None:
    now = datetime.now(UTC)
    with pytest.raises(NotSupportedError, match="no history found"):
        request_at(Request(Present({}), LINUX, BOB), now)
    with pytest.raises(AccessDeniedError, match="authentication required"):
        request_at(Request(Present({}), LINUX, Caller("", None, administrator=False)), now)
