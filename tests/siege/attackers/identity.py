"""How a program of an attack becomes the user that attacks, and takes as many descriptors as it may."""

import os
import resource


def become(uid: int) -> None:
    """Become a user for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def take_descriptors() -> None:
    """Raise the limit of descriptors to the most that there is."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
