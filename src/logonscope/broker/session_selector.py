"""Selection of logon sessions: by a word that a user gives, and the filter on processes that implements it."""

from collections.abc import Iterable

from logonscope.broker.access import ForeignByProcess, ForeignLookup
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

MAX_DIGITS = 10
"""Maximum number of digits of a uid or pid. (int() raises an error for a text of more than 4,300 digits.)"""

Which = str | Selection | None
"""A user's word for logon sessions ("41", "c1", "system", "alice"), a selection, or None for all."""


def select_sessions(which: Which, ownership: Ownership, index: LogonIndex, accounts: AccountLookup) -> Selection:
    """Return the selection for a word: a login id, a LogonId or the name of an account.

    Some words can be several of these: "41" and "c1" are valid names, and a login can have the login id 41 while an
    earlier one has the LogonId 41.
    """
    if which is None or isinstance(which, Selection):
        return which or EVERYTHING
    # The names are read even if they are not needed: the time that the answer takes must not reveal whether a hidden
    # logon session has this LogonId.
    names = accounts.login_names(frozenset({which}))
    logon_id, system_id = ownership.parse_logon_id(which), ownership.system_owner.logon_id
    logon_ids = {key for key, login in index.logins.items() if login.id == which}
    is_recorded = bool(logon_ids) or logon_id in index.logins or logon_id == system_id
    # If no login has a record with this id or LogonId, the word is a user name if an account has this name, or if the
    # word cannot be a LogonId. Otherwise it is a LogonId: a login without a record can have it.
    if not is_recorded and (names or logon_id is None):
        return Selection(login_users=names | {which})
    return Selection(logon_ids=frozenset(logon_ids if logon_id is None else {*logon_ids, logon_id}))


def selected_login_uids(selection: Selection, index: LogonIndex, source: Source, look: Look) -> frozenset[int] | None:
    """Return the uids that may have logged in to the logon sessions of a selection; None: any."""
    names, uids = selection.login_users, selection.login_uids
    if names is None:
        return uids
    users, _ = source.accounts(look, AccountQuery(users=names))
    folded_names = {name.lower() for name in names}
    # A login whose account was removed since has the user name of its record. A name of digits is a uid without an
    # account.
    uids_of_recorded_names = {
        uid
        for login in index.logins.values()
        if (login.user or "").lower() in folded_names and (uid := login.uid_here) is not None
    }
    uids_of_names = frozenset({account.uid for account in users} | uids_of_recorded_names | numbers_among(names))
    return uids_of_names if uids is None else uids_of_names & uids


def numbers_among(words: Iterable[str]) -> frozenset[int]:
    """Return the uids (or pids) among words: the words that consist of at most MAX_DIGITS digits."""
    return frozenset(int(word) for word in words if word.isascii() and word.isdecimal() and len(word) <= MAX_DIGITS)


class SessionFilter:
    """A filter on processes by the logon sessions of a selection."""

    def __init__(
        self,
        selection: Selection,
        ownership: Ownership,
        accounts: AccountLookup,
        foreign: ForeignLookup | None = None,
        *,
        case_sensitive: bool = False,
    ) -> None:
        """Store the selection.

        Args:
            selection: the logon sessions.
            ownership: the rules that find the login uid of a process.
            accounts: the accounts of the host.
            foreign: finds the logon sessions of containers and other root directories; None: the facts of one process
                decide.
            case_sensitive: compare user names exactly, as on Linux. If False, case is ignored, as in WMI, and a process
                that does not show the login uid matches every user: another process of its logon session may show it.
        """
        self._selection, self._ownership, self._accounts = selection, ownership, accounts
        self._foreign = foreign or ForeignByProcess(ownership)
        self._case_sensitive = case_sensitive
        names = selection.login_users
        self._names = None if names is None else {self._fold_name(name) for name in names}

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session that owns a process is selected, or may be."""
        selection, names = self._selection, self._names
        if selection.logon_ids is not None and owner.logon_id not in selection.logon_ids:
            return False
        if names is None and selection.login_uids is None:
            return True
        if owner.logon_id is None:
            return False
        if not self._case_sensitive and not self._ownership.has_login_uid(process, owner):
            return True  # another process of its logon session may show the login uid
        uid = self._ownership.login_uid(owner, (process,))
        if selection.login_uids is not None and uid not in selection.login_uids:
            return False
        if names is None:
            return True
        name = self._login_name(uid, process, owner)
        return name is not None and self._fold_name(name) in names

    def _login_name(self, uid: int | None, process: Process, owner: Owner) -> str | None:
        """Return the user name of the login (see ``AccountLookup.login_name``), or the uid; None: unknown."""
        if uid is None:
            return owner.login and owner.login.user
        if self._foreign.is_foreign_session(process, owner):
            return str(uid)
        return self._accounts.login_name(uid, owner.login) or str(uid)

    def _fold_name(self, name: str) -> str:
        return name if self._case_sensitive else name.lower()
