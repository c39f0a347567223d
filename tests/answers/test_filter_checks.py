"""Tests of answers/filter_checks.py: what a filter cannot use is an error that says what is expected."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope.answers.filter_checks import check_flag, check_key, check_origin, check_text, check_time, checked_set
from logonscope.errors import InvalidParameterError


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checked_set("keys", "SHA256:mVPw", check_key), "invalid keys 'SHA256:mVPw': expected a set; give {'S"),
        (lambda: checked_set("keys", 7, check_key), "invalid keys 7: expected a set"),
        (lambda: checked_set("keys", [7], check_key), "invalid key 7: expected a fingerprint such as"),
        (lambda: check_text("word", 41), "invalid word 41: expected text; give '41'"),
        (lambda: check_origin(7), "invalid origin 7: expected text; give '7'"),
        (lambda: check_origin("192.0.2.0/33"), "invalid network '192.0.2.0/33': expected a network such as"),
        (lambda: check_flag("failed", "no"), "invalid failed 'no': expected True or False"),
        (lambda: check_time("since", "yesterday"), "invalid since 'yesterday': expected a datetime with a time zone"),
        (lambda: check_time("moment", datetime(2026, 1, 1)), "invalid moment datetime.*; give TIME.astimezone()"),  # noqa: DTZ001 -- the error
    ],
)
def test_an_invalid_value_is_an_error_with_what_is_expected(check: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        check()


def test_valid_values_are_returned() -> None:
    assert checked_set("origins", ["web1", "192.0.2.0/24"], check_origin) == frozenset({"web1", "192.0.2.0/24"})
    assert checked_set("origins", None, check_origin) is None
    assert check_text("word", "alice") == "alice"
    check_time("since", datetime(2026, 1, 1, tzinfo=UTC))
    check_flag("failed", value=False)
