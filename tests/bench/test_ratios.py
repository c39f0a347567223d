"""Tests of bench/ratios.py: a slower checkout is distinguished from noise."""

from itertools import cycle, islice

import pytest

from bench.ratios import Comparison, interval

QUIET, BUSY = (1.0, 1.01, 0.99), (1.0, 1.4, 0.8, 2.0)


def compared(slower: float, noise: tuple[float, ...], rounds: int = 15) -> Comparison:
    """Return turns that all have the same noise, each contestant a turn later than the one before."""
    base, here, again = (list(islice(cycle(noise), start, start + rounds)) for start in range(3))
    return Comparison(base, [seconds * slower for seconds in here], again)


def test_a_median_has_an_interval_of_ranks() -> None:
    assert interval(range(1, 16)) == (4, 8, 12)
    assert interval([3, 1, 2]) == (1, 2, 3)
    assert interval([5]) == (5, 5, 5)


def test_ratios_are_to_both_turns_of_the_base() -> None:
    comparison = Comparison([1, 2], [3, 2], [2, 2])
    assert (comparison.ratios, comparison.ratio) == ([2, 1], 1.5)


@pytest.mark.parametrize(
    ("slower", "noise", "exceeds", "is_unclear"),
    [
        (1.0, QUIET, False, False),
        (1.2, QUIET, True, False),
        (0.5, QUIET, False, False),
        (1.0, BUSY, False, True),
        (1.5, BUSY, False, True),
        (4.0, BUSY, True, False),
    ],
)
def test_a_bound_is_exceeded_by_more_than_noise(
    slower: float, noise: tuple[float, ...], exceeds: bool, is_unclear: bool
) -> None:
    comparison = compared(slower, noise)
    assert (comparison.exceeds(1.05), comparison.is_unclear(1.05)) == (exceeds, is_unclear)


def test_a_base_that_differs_from_itself_is_noise() -> None:
    comparison = Comparison([1.0] * 15, [1.2] * 15, [1.3] * 15)
    assert comparison.noise == pytest.approx(0.3)
    assert not comparison.exceeds(1.0)
