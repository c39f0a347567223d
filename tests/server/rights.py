"""The table of who may see what, a row for each kind of caller, as the design has it; no code of the product decides.

Which logon session owns a process is taken from the rules of ownership, which have tests of their own; who may see the
session, the process and its details is decided here and in ``tests/broker/crowds.py``.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from logonscope.facts import UNSET
from logonscope.machine.snapshot import Snapshot
from tests.broker.crowds import MACHINE, NAMES, Crowd

NOBODY = -1
"""A uid that no account and no process has."""

EMPTY = Crowd(Snapshot(MACHINE._replace(hostname="empty"), [], (), (), (), (), []), {}, {})
"""A host with which a host must agree, where the caller may see nothing."""


class Rights(NamedTuple):
    """What one kind of caller may see of a host.

    Attributes:
        secrets: texts that may be in no answer to the caller with this uid.
        marks: texts that must be in some answer, where everything is asked for.
        equal_host: a host that differs in all that the caller may not see, and in nothing else; None: there is none.
    """

    secrets: Callable[[Crowd, int], set[str]]
    marks: Callable[[Crowd, int], set[str]]
    equal_host: Callable[[Crowd, int], Crowd] | None


def _no_secrets(_crowd: Crowd, _uid: int) -> set[str]:
    return set()


def _all_marks(crowd: Crowd, _uid: int) -> set[str]:
    """Everything, with the details of all."""
    logon_ids = {owner.logon_id for owner in crowd.owner.values() if owner.logon_id}
    details = {mark for pid in crowd.process for mark in (f"secret-{pid}-", str(550_000_000 + pid))}
    return logon_ids | details


def _marks_of_others(crowd: Crowd, uid: int) -> set[str]:
    return crowd.secrets(uid)


def _own_marks(crowd: Crowd, uid: int) -> set[str]:
    """The caller's logon sessions and processes, and the details of processes that are wholly its own."""
    return {
        *(crowd.owner[pid].logon_id or str(UNSET) for pid in crowd.process if crowd.sees_session(uid, pid)),
        *(str(550_000_000 + pid) for pid in crowd.process if crowd.sees_process(uid, pid)),
        *(f"secret-{pid}-" for pid in crowd.process if crowd.sees_details(uid, pid)),
    }


def _every_name(crowd: Crowd, _uid: int) -> set[str]:
    """What an authenticated caller may know counts too: names of accounts, of the host and of its processes."""
    names = {crowd.snapshot.machine.hostname, *NAMES.values()} - {"root"}  # "root" is also in the names of namespaces
    return crowd.secrets(NOBODY) | names | {f">p{pid}<" for pid in crowd.process}


def _no_marks(_crowd: Crowd, _uid: int) -> set[str]:
    return set()


def _empty_host(_crowd: Crowd, _uid: int) -> Crowd:
    return EMPTY


ADMINISTRATOR, ORDINARY, UNAUTHENTICATED = "administrator", "anyone else", "not authenticated"

RIGHTS: Mapping[str, Rights] = {
    ADMINISTRATOR: Rights(_no_secrets, _all_marks, None),
    ORDINARY: Rights(_marks_of_others, _own_marks, Crowd.with_others_changed),
    UNAUTHENTICATED: Rights(_every_name, _no_marks, _empty_host),
}
"""Every kind of caller that comes over the network."""
