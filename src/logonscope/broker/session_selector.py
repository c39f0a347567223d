"""Selection of logon sessions: what a person's word means, and the filter that keeps what belongs to it."""

from logonscope.facts import Process
from logonscope.machine import (
    EVERYTHING,
    AccountLookup,
    AccountQuery,
    LogonIndex,
    Look,
    Owner,
    Ownership,
    Selection,
    Source,
)

Which = str | Selection | None
"""A person's word for logon sessions ("41", "c1", "system", "alice"), a selection, or everything."""


def select(which: Which, ownership: Ownership, index: LogonIndex) -> Selection:
    """Return what a word means; one that is no LogonId and no login's id is the name of an account."""
    if which is None or isinstance(which, Selection):
        return which or EVERYTHING
    logon_id = next((logon for logon, login in index.logins.items() if login.id == which), ownership.logon_id(which))
    if logon_id is None:
        return Selection(login_users=frozenset({which}))
    return Selection(logon_ids=frozenset({logon_id}))


def selected_login_uids(selection: Selection, index: LogonIndex, source: Source, look: Look) -> frozenset[int] | None:
    """Return the uids that may have logged in to the logon sessions of a selection; None: any."""
    names, uids = selection.login_users, selection.login_uids
    if names is None:
        return uids
    users, _ = source.accounts(look, AccountQuery(users=names))
    folded = {name.lower() for name in names}
    recorded = {login.uid for login in index.logins.values() if (login.user or "").lower() in folded}
    digits = {int(name) for name in names if name.isascii() and name.isdecimal()}
    named = frozenset({account.uid for account in users} | recorded | digits)
    return named if uids is None else named & uids


class SessionFilter:
    """The filter on processes by the logon sessions of a selection."""

    def __init__(
        self, selection: Selection, ownership: Ownership, accounts: AccountLookup, *, to_the_letter: bool = False
    ) -> None:
        """Take the selection.

        Names count in any case, as WMI has it, or ``to_the_letter``, as people here mean them; then a process that
        does not say who logged in does not belong to it either.
        """
        self._selection, self._ownership, self._accounts = selection, ownership, accounts
        self._to_the_letter = to_the_letter
        names = selection.login_users
        self._names = None if names is None else {self._folded(name) for name in names}

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session that owns a process belongs to the selection."""
        selection, names = self._selection, self._names
        if selection.logon_ids is not None and owner.logon not in selection.logon_ids:
            return False
        if names is None and selection.login_uids is None:
            return True
        if owner.logon is None:
            return False
        if not self._to_the_letter and not self._ownership.says_login_uid(process, owner):
            return True  # others of its logon session say it
        uid = self._ownership.login_uid(owner, (process,))
        if selection.login_uids is not None and uid not in selection.login_uids:
            return False
        if names is None:
            return True
        name = self._name_of(uid, owner)
        return name is not None and self._folded(name) in names

    def _name_of(self, uid: int | None, owner: Owner) -> str | None:
        """Return the name of who logged in, of the account else of the record; None where nobody did."""
        account = None if uid is None else self._accounts.get(uid)
        if account is not None:
            return account.name
        return (owner.login and owner.login.user) or (None if uid is None else str(uid))

    def _folded(self, name: str) -> str:
        return name if self._to_the_letter else name.lower()
