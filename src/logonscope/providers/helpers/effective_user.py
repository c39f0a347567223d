"""Whom does a process run as? By the name of its effective uid's account."""

from collections.abc import Mapping

from logonscope.facts import Account, Process
from logonscope.providers.helpers.text import clean


def effective_user(process: Process, accounts: Mapping[int, Account]) -> str | None:
    """Return the name of whom a process runs as; None where no name service knows the uid."""
    account = accounts.get(process.uids[1]) if process.uids else None
    return clean(account.name) if account else None
