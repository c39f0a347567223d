"""Columns of Win32_Account for users and groups, and the selections for their keys."""

from collections.abc import Mapping
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import Account, Group
from logonscope.machine import Selection
from logonscope.providers.helpers.account_names import domain_and_name, group_sid, possible_names, user_sid
from logonscope.providers.helpers.provider import PASSWORDS, Column, Context, always_null, column, constant
from logonscope.providers.helpers.text import clean

USER, GROUP, ALIAS = 1, 2, 4
"""Values of SIDType (SID_NAME_USE); a group of the computer itself is an alias."""

SHADOW = "shadow(5): {}; null unless an administrator asks, and for accounts of a directory service"
"""Source text of a column that needs the shadow file. The braces are replaced by what the column shows."""


def _domain(account: Account | Group, context: Context) -> str:
    return domain_and_name(account.name, context.machine.hostname)[0]


def _name(account: Account | Group, context: Context) -> str:
    return domain_and_name(account.name, context.machine.hostname)[1]


def _caption(account: Account | Group, context: Context) -> str:
    return "\\".join(domain_and_name(account.name, context.machine.hostname))


def _is_local(account: Account | Group, _: Context) -> bool | None:
    return account.local


def _description(account: Account, _: Context) -> str | None:
    return clean(account.gecos) or None


def _user_sid(account: Account, _: Context) -> str:
    return user_sid(account.uid)


def _group_sid(group: Group, _: Context) -> str:
    return group_sid(group.gid)


def is_locked(account: Account) -> bool | None:
    """Return whether the password of an account was locked; None if unknown."""
    return None if account.password is None else account.password == "locked"  # noqa: S105 -- a state, no password


def _status(account: Account, _: Context) -> str | None:
    if account.expired is None:
        return None
    return "Degraded" if account.expired or is_locked(account) else "OK"


def _group_sid_type(group: Group, _: Context) -> int | None:
    return None if group.local is None else ALIAS if group.local else GROUP


def full_name(account: Account) -> str | None:
    """Return the user's full name: the first part of the comment field (passwd(5), chfn(1))."""
    return clean(account.gecos.split(",", 1)[0]) or None


def account_columns(file: str) -> dict[str, Column]:
    """Return the columns that users and groups share.

    Args:
        file: passwd or group.
    """
    return {
        "Caption": column(_caption, "Domain\\Name"),
        "InstallDate": always_null(f"{file}(5) has no such field"),
        "Name": column(_name, f"{file}(5): name, without the domain that a directory service adds"),
        "Domain": column(
            _domain, "the domain in a name such as DOMAIN\\name or name@domain; else the kernel's hostname"
        ),
        "LocalAccount": column(_is_local, f"whether it is in /etc/{file}"),
    }


def user_columns() -> dict[str, Column]:
    """Return the columns of Win32_Account for a user."""
    return account_columns("passwd") | {
        "Description": column(_description, "passwd(5): comment"),
        "Status": column(
            _status, SHADOW.format("OK, or Degraded for an account that is expired or locked, as on Windows"), PASSWORDS
        ),
        "SID": column(_user_sid, "S-1-22-1-UID, as in Samba"),
        "SIDType": constant(USER, "1: a user"),
    }


def group_columns() -> dict[str, Column]:
    """Return the columns of Win32_Account for a group."""
    return account_columns("group") | {
        "Description": always_null("group(5) has no such field"),
        "Status": constant("OK", "OK: a group cannot be disabled"),
        "SID": column(_group_sid, "S-1-22-2-GID, as in Samba"),
        "SIDType": column(_group_sid_type, "4 (an alias) if it is in /etc/group, 2 if a directory service has it"),
    }


def select_user_name(name: Any, fixed: Mapping[str, Value]) -> Selection:
    """Return the selection for the fixed Name of an account, and for its Domain if Domain is fixed, too."""
    return Selection(users=possible_names(name, fixed.get("Domain")))


def select_group_name(name: Any, fixed: Mapping[str, Value]) -> Selection:
    """Return the selection for the fixed Name of a group, and for its Domain if Domain is fixed, too."""
    return Selection(groups=possible_names(name, fixed.get("Domain")))
