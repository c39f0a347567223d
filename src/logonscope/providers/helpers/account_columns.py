"""What do tables of accounts share? The columns of Win32_Account for a user, and what fixed keys mean."""

from collections.abc import Mapping
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import Account, Group
from logonscope.machine import Selection
from logonscope.providers.helpers.account_names import domain_and_name, group_sid, login_names, user_sid
from logonscope.providers.helpers.provider import Column, Context, always, column, nothing
from logonscope.providers.helpers.text import clean

USER, GROUP = 1, 2
"""SIDType (SID_NAME_USE): what a SID names."""


def _domain(row: Account | Group, context: Context) -> str:
    return domain_and_name(row.name, context.machine.hostname)[0]


def _name(row: Account | Group, context: Context) -> str:
    return domain_and_name(row.name, context.machine.hostname)[1]


def _caption(row: Account | Group, context: Context) -> str:
    return "\\".join(domain_and_name(row.name, context.machine.hostname))


def full_name(account: Account) -> str | None:
    """Return the first part of the comment field, which is the person's name (passwd(5), chfn(1))."""
    return clean(account.gecos.split(",", 1)[0]) or None


def account_columns(file: str) -> dict[str, Column]:
    """Return the columns that a user and a group share; the file is passwd or group."""
    return {
        "Caption": column(_caption, "Domain\\Name"),
        "InstallDate": nothing(f"{file}(5) has none"),
        "Name": column(_name, f"{file}(5): name, without the domain that a directory service puts to it"),
        "Status": nothing("shadow(5), which tells who is locked out, is not read"),
        "Domain": column(_domain, "the kernel's hostname; for a name that a directory service qualifies, its domain"),
        "LocalAccount": column(lambda row, _: row.local, f"whether it stands in /etc/{file}"),
    }


def user_columns() -> dict[str, Column]:
    """Return the columns of Win32_Account for a user."""
    return account_columns("passwd") | {
        "Description": column(lambda account, _: clean(account.gecos) or None, "passwd(5): comment"),
        "SID": column(lambda account, _: user_sid(account.uid), "S-1-22-1-UID, as Samba has it"),
        "SIDType": always(USER, "1: a user"),
    }


def group_columns() -> dict[str, Column]:
    """Return the columns of Win32_Account for a group."""
    return account_columns("group") | {
        "Description": nothing("group(5) has none"),
        "SID": column(lambda group, _: group_sid(group.gid), "S-1-22-2-GID, as Samba has it"),
        "SIDType": always(GROUP, "2: a group"),
    }


def user_named(name: Any, fixed: Mapping[str, Value]) -> Selection:
    """Return the accounts that the key Name means, beside Domain where that is fixed too."""
    return Selection(users=login_names(name, fixed.get("Domain")))


def group_named(name: Any, fixed: Mapping[str, Value]) -> Selection:
    """Return the groups that the key Name means, beside Domain where that is fixed too."""
    return Selection(groups=login_names(name, fixed.get("Domain")))
