"""Columns of records of the history, references to records, and the selections for fixed properties of records."""

from collections.abc import Callable
from typing import Any

from logonscope.answers.history import PastChange, PastFailedLogon, PastLogin, PastProcess, PastUserChange
from logonscope.cim.types import Value
from logonscope.machine import EVERYTHING, Selection
from logonscope.providers.helpers.provider import Column

HISTORY_SOURCE = "the history"
"""Source text of most columns."""

_UNSHOWABLE = "\ufffd"
"""U+FFFD replaces characters that cannot be shown: a text with U+FFFD can represent many texts."""


def logon_column(name: str, source: str = HISTORY_SOURCE) -> Column:
    """Return the column of a field of PastLogin, for the subject "logon record"."""
    return _field_column(PastLogin._fields.index(name), 0, source)


def login_of_process_column(name: str, source: str = HISTORY_SOURCE) -> Column:
    """Return the column of a field of PastLogin, for the subject "process record"."""
    return _field_column(PastLogin._fields.index(name), 1, source)


def process_column(name: str, source: str = HISTORY_SOURCE, *facts: str) -> Column:
    """Return the column of a field of PastProcess, for the subject "process record"."""
    return _field_column(PastProcess._fields.index(name), 0, source, *facts)


def change_column(name: str, source: str = HISTORY_SOURCE, *facts: str) -> Column:
    """Return the column of a field of PastChange, for the subject "change record"."""
    return _field_column(PastChange._fields.index(name), 0, source, *facts)


def failed_logon_column(name: str, source: str = HISTORY_SOURCE) -> Column:
    """Return the column of a field of PastFailedLogon, for the subject "failed logon record"."""
    return _field_column(PastFailedLogon._fields.index(name), 0, source)


def user_change_column(name: str, source: str = HISTORY_SOURCE) -> Column:
    """Return the column of a field of PastUserChange, for the subject "user change record"."""
    return _field_column(PastUserChange._fields.index(name), 0, source)


def _field_column(index: int, element: int, source: str, *facts: str) -> Column:
    def field_value(*item: Any) -> Value:
        value: Value = item[element][index]
        return value

    return Column(field_value, source, frozenset(facts))


def record_reference(class_name: str, element: int) -> Callable[..., Value]:
    """Return the function that makes a reference to a record.

    Args:
        class_name: the class of the reference.
        element: the index of the record in the item.
    """

    def reference(*item: Any) -> Value:
        return (class_name, item[element].record)

    return reference


def select_record(key: Value, _: object = None) -> Selection:
    """Return the selection of a record by its key."""
    return Selection(records=_record_keys(key))


def select_logon_record(key: Value, _: object = None) -> Selection:
    """Return the selection of the records that belong to a logon record, by the key of the logon record."""
    return Selection(logon_records=_record_keys(key))


def select_process_record(key: Value, _: object = None) -> Selection:
    """Return the selection of the records that belong to a process record, by the key of the process record."""
    return Selection(process_records=_record_keys(key))


def select_record_reference(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a reference to a record."""
    return select_record(reference[1])


def select_logon_record_reference(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection of the records that belong to the logon record that a reference names."""
    return select_logon_record(reference[1])


def select_process_record_reference(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection of the records that belong to the process record that a reference names."""
    return select_process_record(reference[1])


def select_ssh_key(fingerprint: Value, _: object = None) -> Selection:
    """Return the selection of the records of logins with an ssh key, by the fingerprint of the key."""
    text = str(fingerprint)
    return EVERYTHING if _UNSHOWABLE in text else Selection(ssh_keys=frozenset({text}))


def select_attempted_user(name: Value, _: object = None) -> Selection:
    """Return the selection of the failed logons of a user."""
    text = str(name)
    return EVERYTHING if _UNSHOWABLE in text else Selection(users=frozenset({text}))


def select_process_id(pid: Value, _: object = None) -> Selection:
    """Return the selection of the processes with a pid; a value that is no number selects nothing."""
    return Selection(pids=_numbers(pid))


def select_process_name(name: Value, _: object = None) -> Selection:
    """Return the selection of processes by their name."""
    text = str(name)
    return EVERYTHING if _UNSHOWABLE in text else Selection(process_names=frozenset({text}))


def _record_keys(key: Value) -> frozenset[str]:
    # no key contains U+FFFD: a text with a replaced character selects no record
    return frozenset({key}) if isinstance(key, str) else frozenset()


def _numbers(number: Value) -> frozenset[int]:
    return frozenset({number}) if isinstance(number, int) else frozenset()
