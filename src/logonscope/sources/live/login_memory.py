"""Memory of logins: keeps login records after the login service has deleted them, with the kernel id of each.

The kernel id of a login comes from the first of these that has one: the leader, this memory, the record or the scope.

A record that only the memory has gets the source "remembered". Such a record is dropped when its logon session has no
process any more. If there are more than MAX_LOGINS such records, the oldest are dropped.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from logonscope.facts import UNSET, Login
from logonscope.sources.linux.inheritance import carried_kernel_id

REMEMBERED = "remembered"
"""Source of a record that only the memory has."""

MAX_LOGINS = 20_000
"""Maximum number of remembered logins that have no record any more; if there are more, the oldest are dropped."""

_Key = tuple[str, int, int | None]
"""Id, uid and start of a login; if the start is not known, the pid of the leader takes its place."""


class LoginState(NamedTuple):
    """What the processes show about a login; they are read from the live index or from /proc."""

    has_members: bool  # processes of its logon session exist, or it is not known whether they do
    is_leader_gone: bool


class LoginMemory:
    """The logins of this boot that have a record, or had one and still have processes."""

    def __init__(self, remembered: Iterable[Login] = ()) -> None:
        """Start with the logins that an earlier memory of the same boot had."""
        self._logins: dict[_Key, Login] = {_key(login): login for login in remembered}

    def __repr__(self) -> str:
        return f"<LoginMemory of {len(self._logins)} logins>"

    def merge(
        self,
        logins: Sequence[Login],
        state_of: Callable[[Login], LoginState],
        ids: Collection[str] | None = None,
    ) -> tuple[Login, ...]:
        """Store the records that were read; return the read logins together with those that only the memory has.

        Args:
            logins: the logins that were read.
            state_of: returns the state of a login whose record is gone.
            ids: only logins with these ids were read; None: all logins were read.
        """
        merged: list[Login] = []
        recorded_keys = set[_Key]()
        keys_by_scope = {
            (login.id, login.uid, login.scope_inode or 0): key
            for key, login in self._logins.items()
            if login.scope_inode
        }
        for login in logins:
            if not login.recorded:
                # the record of this login is gone, but its scope still exists: a remembered login is returned below
                known_key = keys_by_scope.get((login.id, login.uid, login.scope_inode or 0))
                if known_key is not None:
                    self._logins[known_key] = self._logins[known_key]._replace(
                        scope_ids=login.scope_ids, earliest_start=login.earliest_start
                    )
                    continue
                merged.append(login)
                continue
            key = _key(login)
            recorded_keys.add(key)
            merged.append(self._learn(key, login))
        for key in [key for key in self._logins if key not in recorded_keys and (ids is None or key[0] in ids)]:
            state = state_of(self._logins[key])
            if not state.has_members:
                del self._logins[key]
                continue
            merged.append(_without_record(self._logins[key], state))
        if ids is None and len(self._logins) - len(recorded_keys) > MAX_LOGINS:
            for key in [key for key in self._logins if key not in recorded_keys][:-MAX_LOGINS]:
                del self._logins[key]
        return tuple(merged)

    def note_terminal(self, login: Login, terminal: str) -> None:
        """Remember the terminal of a login; "": the login has no terminal so far."""
        key = _key(login)
        if key in self._logins:
            self._logins[key] = self._logins[key]._replace(seen_tty=terminal)

    def _learn(self, key: _Key, login: Login) -> Login:
        """Store a login that was read; return it with its kernel id, and with what earlier readings showed about it."""
        known_login = self._logins.get(key)
        # the leader has the kernel id of its login, even if the record has none
        leader_kernel_id = login.process.ses if login.process and login.process.ses not in {None, UNSET} else None
        kernel_id = leader_kernel_id or (known_login and known_login.remembered) or carried_kernel_id(login)
        learned = login._replace(
            remembered=kernel_id,
            # if this reading does not decide whether the kernel id was inherited, the earlier decision stays
            inherited=known_login.inherited if login.inherited is None and known_login is not None else login.inherited,
            seen_tty=known_login.seen_tty if known_login is not None else None,
        )
        self._logins[key] = learned
        return learned


def _key(login: Login) -> _Key:
    # a restarted login service can reuse a login id
    return login.id, login.uid, login.since if login.since is not None else login.leader


def _without_record(login: Login, state: LoginState) -> Login:
    """Return a remembered login whose record the login service has deleted."""
    return login._replace(
        source=REMEMBERED,
        process=None if state.is_leader_gone else login.process,
        gone=state.is_leader_gone,
        state="closing" if login.state is not None else None,
    )
