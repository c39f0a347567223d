"""Ratios of two contestants, and how much of them is noise."""

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Interval(NamedTuple):
    """A median and the ends of its 95% confidence interval."""

    low: float
    median: float
    high: float


def interval(samples: Sequence[float]) -> Interval:
    """Return the median of samples and its 95% confidence interval, by ranks: no distribution is assumed."""
    ordered, count = sorted(samples), len(samples)
    rank = max(0, math.floor(count / 2 - 0.98 * math.sqrt(count)))
    return Interval(ordered[rank], median(ordered), ordered[count - 1 - rank])


class Comparison(NamedTuple):
    """Seconds of three contestants, round by round: the base, this checkout, and the base once more."""

    base: Sequence[float]
    here: Sequence[float]
    again: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Return, round by round, how much longer this checkout took than the base did, both its turns together."""
        return [2 * here / (base + again) for base, here, again in zip(*self, strict=True)]

    @property
    def ratio(self) -> float:
        """Return the median of the ratios."""
        return median(self.ratios)

    @property
    def noise(self) -> float:
        """Return what the ratio may be off by: the greater of two figures.

        One is how far the base is from itself, in two processes of its own. The other is the lower half of the 95%
        confidence interval of the median.
        """
        apart = abs(median(again / base for base, again in zip(self.base, self.again, strict=True)) - 1)
        low, middle, _ = interval(self.ratios)
        return max(apart, middle - low)

    def exceeds(self, bound: float) -> bool:
        """Tell whether this checkout is slower than the bound allows, by more than noise."""
        return self.ratio - self.noise > bound

    def is_unclear(self, bound: float) -> bool:
        """Tell whether this checkout is slower than the bound allows, but perhaps by noise alone."""
        return self.ratio > bound and not self.exceeds(bound)
