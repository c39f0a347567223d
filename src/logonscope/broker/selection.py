"""Which logon sessions does a word mean: one, by LogonId ("41") or logind's own id ("c1"), or a user's, by name?"""

from collections.abc import Mapping
from typing import NamedTuple

from logonscope.facts import UNSET, Account
from logonscope.ownership import Joined, logon_id_of
from logonscope.ownership.join import kernel_id


class Selection(NamedTuple):
    """What to keep; both None: everything."""

    logon_id: str | None
    user: str | None

    def keeps(self, logon_id: str | None, login_uid: int | None, accounts: Mapping[int, Account]) -> bool:
        """Tell whether a logon session of this id, of this login uid, is meant."""
        if self.logon_id is not None:
            return logon_id == self.logon_id
        if self.user is None:
            return True
        account = None if login_uid is None else accounts.get(login_uid)
        return account is not None and account.name == self.user

    def kernel_ids(self, joined: Joined) -> frozenset[int] | None:
        """Return the kernel ids that a process of the selection can have; None: any."""
        if self.logon_id is None:
            return None
        login, number = joined.by_logon.get(self.logon_id), int(self.logon_id)
        ids = {min(number, UNSET)}
        if login:
            ids |= {UNSET, kernel_id(login) or UNSET}
        return frozenset(ids)


def select(which: str | None) -> Selection:
    """Return what a word means; a word that is no LogonId is the name of an account."""
    logon_id = None if which is None else logon_id_of(which)
    return Selection(logon_id, None if logon_id else which)
