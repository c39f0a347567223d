"""References to processes, and the selections for fixed keys of processes and logon sessions."""

from logonscope.cim.types import Value
from logonscope.facts import Process
from logonscope.machine import EVERYTHING, Owner, Selection
from logonscope.providers.helpers.account_names import possible_names
from logonscope.providers.helpers.provider import Context

_LOGON_ID_DIGITS, _HANDLE_DIGITS = 20, 10
_NO_LOGON_ID: frozenset[str] = frozenset()


def process_reference(process: Process, class_name: str = "Win32_Process") -> tuple[Value, ...]:
    """Return a reference to a process."""
    return (class_name, str(process.pid))


def has_session(_: Process, owner: Owner, __: Context) -> bool:
    """Return whether the logon session of an item (Process, Owner) is known, and visible to the caller."""
    return owner.logon_id is not None


def select_pid(handle: Value, _: object = None) -> Selection:
    """Return the selection for a handle; a text that is not a pid selects nothing."""
    text = str(handle)
    return Selection(pids=frozenset({int(text)}) if _is_number(text, _HANDLE_DIGITS) else frozenset())


def select_logon_id(logon_id: Value, _: object = None) -> Selection:
    """Return the selection for a LogonId; a text that is not a number selects nothing."""
    text = str(logon_id)
    return Selection(logon_ids=frozenset({text}) if _is_number(text, _LOGON_ID_DIGITS) else _NO_LOGON_ID)


def select_login_user(name: Value, _: object = None) -> Selection:
    """Return the selection of the logon sessions of a user, by name."""
    names = possible_names(name, None)
    return EVERYTHING if names is None else Selection(login_users=names)


def select_login_uid(uid: Value, _: object = None) -> Selection:
    """Return the selection of the logon sessions of a uid."""
    return Selection(login_uids=frozenset({uid}) if isinstance(uid, int) else frozenset())


def select_process_user(name: Value, _: object = None) -> Selection:
    """Return the selection of the processes that run as a user, by name."""
    return Selection(process_users=possible_names(name, None))


def select_process(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a reference to a process."""
    return select_pid(reference[1])


def select_session(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a reference to a logon session."""
    return select_logon_id(reference[1])


def _is_number(text: str, digits: int) -> bool:
    """Return whether a text is a number as the kernel writes it, with at most ``digits`` digits."""
    # isdecimal() alone accepts digits of other scripts
    return text.isascii() and text.isdecimal() and len(text) <= digits and (text == "0" or not text.startswith("0"))
