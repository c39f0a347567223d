"""Tests of dispatch/operation.py: a client can lower limits but not raise them; each request has a metrics name."""

import pytest

from logonscope.dispatch.operation import UNDECODED, DecodeError, Limits, Operation
from logonscope.errors import InvalidParameterError


@pytest.mark.parametrize(
    ("octets", "seconds", "narrowed"),
    [
        (None, None, Limits(1000, 60.0)),
        (10, 5.0, Limits(10, 5.0)),
        (10, None, Limits(10, 60.0)),
        (10_000, 3600.0, Limits(1000, 60.0)),
    ],
)
def test_a_client_can_ask_for_less_and_not_for_more(
    octets: int | None, seconds: float | None, narrowed: Limits
) -> None:
    assert Limits(1000, 60.0).narrowed_by(Operation("get", {}, seconds, octets)) == narrowed


def test_the_metrics_count_by_the_doors_name_where_it_has_one() -> None:
    assert Operation("get").label == "get"
    assert Operation("get", action="Get").label == "Get"
    assert Operation("").label == UNDECODED


def test_an_error_of_decoding_says_what_it_is_of() -> None:
    error = DecodeError(InvalidParameterError("no number", "give one"), Operation("", action="Get"))
    assert (str(error), error.operation.action) == ("no number; give one", "Get")
