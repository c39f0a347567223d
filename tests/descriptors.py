"""A process with many open files, as a busy server has them."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

SELECT_LIMIT = 1024
"""FD_SETSIZE: select(2) takes no descriptor from this number on."""


@contextmanager
def descriptors_above_select_limit() -> Iterator[None]:
    """Keep so many files open that new ones get numbers that select(2) does not take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * SELECT_LIMIT), hard))
    descriptors = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)]
    while descriptors[-1] < SELECT_LIMIT:
        descriptors.append(os.dup(descriptors[0]))
    try:
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
