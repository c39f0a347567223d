"""Which logon sessions does a word mean: one, by LogonId ("41") or its login's id ("c1"), or a user's, by name?"""

from collections.abc import Mapping
from typing import NamedTuple

from logonscope.facts import UNSET, Account, Owner, Process
from logonscope.ownership import Joined, login_uid, logon_id_of
from logonscope.ownership.join import kernel_id


class Selection(NamedTuple):
    """What to keep; both None: everything."""

    logon_id: str | None
    user: str | None

    def keeps(self, process: Process, owner: Owner, accounts: Mapping[int, Account]) -> bool:
        """Tell whether the logon session that owns this process is meant."""
        if self.logon_id is not None:
            return owner.logon == self.logon_id
        if self.user is None:
            return True
        if owner.logon is None:
            return False
        uid = login_uid(owner, (process,))
        account = None if uid is None else accounts.get(uid)
        return self.user == (account.name if account else owner.login and owner.login.user)

    def kernel_ids(self, joined: Joined) -> frozenset[int] | None:
        """Return the kernel ids that a process of the selection can have; None: any."""
        if self.logon_id is None:
            return None
        login, number = joined.by_logon.get(self.logon_id), int(self.logon_id)
        ids = {min(number, UNSET)}
        if login:
            ids |= {UNSET, kernel_id(login) or UNSET}
        return frozenset(ids)


def select(which: str | None, joined: Joined) -> Selection:
    """Return what a word means; one that is no LogonId and no login's id is the name of an account."""
    if which is None:
        return Selection(None, None)
    logon_id = next((logon for logon, login in joined.by_logon.items() if login.id == which), logon_id_of(which))
    return Selection(logon_id, None if logon_id else which)
