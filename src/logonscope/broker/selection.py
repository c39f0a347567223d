"""Which logon sessions does a word mean: one, by LogonId ("41"), its login's id ("c1") or "system", or a user's?"""

from collections.abc import Callable, Mapping

from logonscope.facts import UNSET, Account, Process
from logonscope.machine import EVERYTHING, NO_PROCESSES, Needs, Owner, Selection, Snapshot
from logonscope.ownership import SYSTEM_LOGON_ID, Joined, login_uid, logon_id_of
from logonscope.ownership.join import kernel_id

SYSTEM = "system"
"""The word for the logon session of everything that no login started, as lists show it."""


def select(which: str | Selection | None, joined: Joined) -> Selection:
    """Return what a word means; one that is no LogonId and no login's id is the name of an account."""
    if which is None or isinstance(which, Selection):
        return which or EVERYTHING
    if which.lower() == SYSTEM:
        return Selection(logon_ids=frozenset({SYSTEM_LOGON_ID}))
    logon_id = next((logon for logon, login in joined.by_logon.items() if login.id == which), logon_id_of(which))
    if logon_id is None:
        return Selection(login_users=frozenset({which}))
    return Selection(logon_ids=frozenset({logon_id}))


def keeper(
    selection: Selection, accounts: Mapping[int, Account], *, to_the_letter: bool = False
) -> Callable[[Process, Owner], bool]:
    """Return what tells whether the logon session that owns a process is meant.

    Names count in whatever case, as WMI has it, or ``to_the_letter``, as people here mean them; then a process that
    does not say who logged in is not meant either.
    """
    fold = str if to_the_letter else str.lower
    names = None if selection.login_users is None else {fold(name) for name in selection.login_users}
    uids = selection.login_uids

    def keeps(process: Process, owner: Owner) -> bool:
        if selection.logon_ids is not None and owner.logon not in selection.logon_ids:
            return False
        if names is None and uids is None:
            return True
        if owner.logon is None:
            return False
        if not to_the_letter and owner.evidence == "audit" and process.loginuid in {None, UNSET}:
            return True  # others of its logon session say it
        uid = login_uid(owner, (process,))
        if uids is not None and uid not in uids:
            return False
        if names is None:
            return True
        account = None if uid is None else accounts.get(uid)
        named = (account.name if account else owner.login and owner.login.user) or (None if uid is None else str(uid))
        return named is not None and fold(named) in names

    return keeps


def login_uids(observe: Callable[[Needs], Snapshot], selection: Selection, joined: Joined) -> frozenset[int] | None:
    """Return the uids that may have logged in to the logon sessions of a selection; None: any."""
    names, uids = selection.login_users, selection.login_uids
    if names is None:
        return uids
    known = {account.uid for account in observe(Needs(pids=NO_PROCESSES, users=names)).users}
    folded = {name.lower() for name in names}
    recorded = {login.uid for login in joined.by_logon.values() if (login.user or "").lower() in folded}
    named = frozenset(known | recorded | {int(name) for name in names if name.isascii() and name.isdecimal()})
    return named if uids is None else named & uids


def kernel_ids(selection: Selection, joined: Joined) -> frozenset[int] | None:
    """Return the kernel ids that a process of the selection can have; None: any."""
    if selection.logon_ids is None:
        return None
    ids: set[int] = set()
    for logon_id in selection.logon_ids:
        login = joined.by_logon.get(logon_id)
        ids.add(min(int(logon_id), UNSET))
        if login:
            ids |= {UNSET, kernel_id(login) or UNSET}
    return frozenset(ids)
