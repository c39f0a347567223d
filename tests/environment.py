"""An environment to answer in: a time zone, and other variables, as long as a test or a fixture needs them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def environment(zone: str = "UTC", **variables: str) -> Iterator[pytest.MonkeyPatch]:
    """Set TZ and other variables for this process, and have the C library follow; then put all back."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"TZ": zone, **variables}.items():
            patch.setenv(name, value)
        time.tzset()
        yield patch
    time.tzset()
