"""Columns of Win32_Account for users and groups, and the selections for their keys."""

from collections.abc import Mapping
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import Account, Group
from logonscope.machine import Selection
from logonscope.providers.helpers.account_names import domain_and_name, group_sid, login_names, user_sid
from logonscope.providers.helpers.provider import Column, Context, always_null, column, constant
from logonscope.providers.helpers.text import clean

USER, GROUP = 1, 2
"""Values of SIDType (SID_NAME_USE)."""


def _domain(row: Account | Group, context: Context) -> str:
    return domain_and_name(row.name, context.machine.hostname)[0]


def _name(row: Account | Group, context: Context) -> str:
    return domain_and_name(row.name, context.machine.hostname)[1]


def _caption(row: Account | Group, context: Context) -> str:
    return "\\".join(domain_and_name(row.name, context.machine.hostname))


def _is_local(row: Account | Group, _: Context) -> bool | None:
    return row.local


def _description(account: Account, _: Context) -> str | None:
    return clean(account.gecos) or None


def _user_sid(account: Account, _: Context) -> str:
    return user_sid(account.uid)


def _group_sid(group: Group, _: Context) -> str:
    return group_sid(group.gid)


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
        "Status": always_null("shadow(5), which says whether an account is locked, is not read"),
        "Domain": column(_domain, "the kernel's hostname; for an account of a directory service, its domain"),
        "LocalAccount": column(_is_local, f"whether it is in /etc/{file}"),
    }


def user_columns() -> dict[str, Column]:
    """Return the columns of Win32_Account for a user."""
    return account_columns("passwd") | {
        "Description": column(_description, "passwd(5): comment"),
        "SID": column(_user_sid, "S-1-22-1-UID, as in Samba"),
        "SIDType": constant(USER, "1: a user"),
    }


def group_columns() -> dict[str, Column]:
    """Return the columns of Win32_Account for a group."""
    return account_columns("group") | {
        "Description": always_null("group(5) has no such field"),
        "SID": column(_group_sid, "S-1-22-2-GID, as in Samba"),
        "SIDType": constant(GROUP, "2: a group"),
    }


def select_user_name(name: Any, fixed: Mapping[str, Value]) -> Selection:
    """Return the selection for a fixed key Name of an account, and its Domain if that is fixed too."""
    return Selection(users=login_names(name, fixed.get("Domain")))


def select_group_name(name: Any, fixed: Mapping[str, Value]) -> Selection:
    """Return the selection for a fixed key Name of a group, and its Domain if that is fixed too."""
    return Selection(groups=login_names(name, fixed.get("Domain")))
