"""The limit of open file descriptors (RLIMIT_NOFILE), and the number of connections that it allows."""

import resource

RESERVED_DESCRIPTORS = 100
"""Descriptors that the connection limits leave free: for reading the host, for root, and for rejecting connections."""


def raise_open_files_limit() -> None:
    """Raise the soft limit of open file descriptors to the hard limit.

    Each connection takes a descriptor when it is accepted, before it can be counted and rejected.
    """
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def most_connections(max_connections: int) -> int:
    """Return how many connections the file descriptors allow, from 1 to ``max_connections``.

    The network may have this number of connections, and the unix socket as many again.
    """
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_limit == resource.RLIM_INFINITY:
        return max_connections
    return max(1, min(max_connections, (soft_limit - RESERVED_DESCRIPTORS) // 2))
