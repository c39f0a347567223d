"""Who is an account of this machine to the server? Its name and uid, and an administrator by its groups."""

import grp
import os
import pwd

from logonscope.broker import Caller

ADMINISTRATORS = frozenset({"sudo", "wheel"})


def account(name: str, administrators: frozenset[str] = ADMINISTRATORS) -> Caller | None:
    """Return who has an account's name, as the name service knows it; None for nobody.

    Args:
        name: as the account's, in its case.
        administrators: groups whose members are administrators, beside root.
    """
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: what no name can be, as a NUL in it
        return None
    groups = {_group(gid) for gid in os.getgrouplist(found.pw_name, found.pw_gid)}
    administrator = found.pw_uid == 0 or not groups.isdisjoint(administrators)
    return Caller(found.pw_name, found.pw_uid, administrator, remote=True)


def _group(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None
