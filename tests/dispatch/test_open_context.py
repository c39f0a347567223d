"""Tests of dispatch/open_context.py: one request at a time, one door, and a lifetime with a maximum."""

import pytest

from logonscope.dispatch.open_context import OpenContext
from logonscope.errors import EnumerationNotFoundError, PullInProgressError
from tests.hosts import ROOT


def test_one_request_at_a_time_uses_it() -> None:
    context = OpenContext(ROOT, 60.0)
    for _ in range(2):
        with context, pytest.raises(PullInProgressError, match="in progress"), context:
            pass


def test_it_stays_with_the_first_door() -> None:
    context = OpenContext(ROOT, 60.0)
    context.bind_door("one door")
    context.bind_door("another one of this kind")
    with pytest.raises(EnumerationNotFoundError, match="was not started through 3"):
        context.bind_door(3)


def test_its_lifetime_has_a_maximum() -> None:
    context = OpenContext(ROOT, 60.0)
    assert [context.lifetime(seconds) for seconds in (5.0, 60.0, 1e9)] == [5.0, 60.0, 60.0]
