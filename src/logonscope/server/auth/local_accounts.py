"""Accounts of this machine as callers. Members of some groups are administrators."""

import grp
import os
import pwd

from logonscope.broker import Caller

ADMINISTRATORS = frozenset({"sudo", "wheel"})
"""Groups whose members are administrators by default."""


def find_account(name: str, administrators: frozenset[str] = ADMINISTRATORS) -> Caller | None:
    """Return the caller of an account, looked up by the name service; None if there is no such account.

    Args:
        name: the account's name; case matters.
        administrators: groups whose members are administrators, besides root.
    """
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: the text cannot be a name, for example with a NUL in it
        return None
    groups = {_read_group_name(gid) for gid in os.getgrouplist(entry.pw_name, entry.pw_gid)}
    administrator = entry.pw_uid == 0 or not groups.isdisjoint(administrators)
    return Caller(entry.pw_name, entry.pw_uid, administrator)


def _read_group_name(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None
