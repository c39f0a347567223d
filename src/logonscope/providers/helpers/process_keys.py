"""What do tables of processes share? Parts of a value, and what a fixed key of a process or a logon session means."""

import re

from logonscope.cim.types import Value
from logonscope.facts import Process
from logonscope.machine import EVERYTHING, Owner, Selection
from logonscope.providers.helpers.account_names import login_names
from logonscope.providers.helpers.provider import Context

_LOGON_ID = re.compile("0|[1-9][0-9]{0,19}")
_HANDLE = re.compile("0|[1-9][0-9]{0,9}")
_NONE: frozenset[str] = frozenset()


def process_reference(process: Process, of: str = "Win32_Process") -> tuple[Value, ...]:
    """Return a reference to a process."""
    return (of, str(process.pid))


def is_placed(_: Process, owner: Owner, __: Context) -> bool:
    """Tell whether the process's logon session is known, and the caller's to see: else there is no pair of both."""
    return owner.logon is not None


def pid_meant(handle: Value, _: object = None) -> Selection:
    """Return the process that a handle names; a text that is no pid names none."""
    text = str(handle)
    return Selection(pids=frozenset({int(text)}) if _HANDLE.fullmatch(text) else frozenset())


def logon_meant(logon_id: Value, _: object = None) -> Selection:
    """Return the logon session that a LogonId names; a text that is no number names none."""
    return Selection(logon_ids=frozenset({str(logon_id)}) if _LOGON_ID.fullmatch(str(logon_id)) else _NONE)


def login_user_meant(name: Value, _: object = None) -> Selection:
    """Return the logon sessions of whoever is called so."""
    names = login_names(name, None)
    return EVERYTHING if names is None else Selection(login_users=names)


def login_uid_meant(uid: Value, _: object = None) -> Selection:
    """Return the logon sessions of a uid."""
    return Selection(login_uids=frozenset({uid}) if isinstance(uid, int) else frozenset())


def process_meant(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the process that a reference names."""
    return pid_meant(reference[1])


def session_meant(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the logon session that a reference names."""
    return logon_meant(reference[1])
