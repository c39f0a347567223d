"""Classes of events that are about no instance of a class (extrinsic events), and how their properties are made."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.broker.event_request import EventRequest
from logonscope.broker.event_rows import event_seconds, event_time
from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.machine.events import (
    Event,
    LoggedOut,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from logonscope.machine.identity import process_guid
from logonscope.machine.kernel_numbers import split_status
from logonscope.providers.helpers.text import clean
from logonscope.providers.sid import binary_sid

FILETIME_EPOCH = 11_644_473_600
"""Seconds from 1601, where FILETIME begins, to 1970."""

PropertyMaker = Callable[[EventRequest, Any], Value]


class EventClass(NamedTuple):
    """A class of events: the types of the events that are its instances, and how each property is made."""

    events: tuple[type, ...]
    properties: Mapping[str, PropertyMaker]
    is_for_hidden: bool = False  # True: processes that the caller may not see have events, with identity columns only


def filetime(seconds: float) -> int:
    """Return a time since the epoch in 100 ns since 1601."""
    return int((seconds + FILETIME_EPOCH) * 10_000_000)


def _event_datetime(_: EventRequest, event: Any) -> Value:
    return event_time(event)


def _sid(_: EventRequest, event: Any) -> Value:
    uid = event.process.uids[1] if event.process.uids else None
    return None if uid is None else binary_sid(uid)


def _exit_status(_: EventRequest, event: ProcessEnded) -> Value:
    code, signal = split_status(event.status)
    # the number that a shell reports for a process that a signal ended
    return code if signal is None else 128 + signal


class _LogonProperty:
    """Reads a property of a logon event from a field of its session, or in a LogonFailed from a field of its attempt.

    None in place of the name of a field: there is no such field, and the property is null.
    """

    def __init__(self, attempt: str | None = None, session: str | None = None) -> None:
        self._attempt, self._session = attempt, session

    def __call__(self, _: EventRequest, event: Any) -> Value:
        if isinstance(event, LogonFailed):
            return None if self._attempt is None else _clean_value(event.attempt, self._attempt)
        return None if self._session is None else _clean_value(event.session, self._session)


class _ChangeProperty:
    """Reads a property of an event from a field of the change of user."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _: EventRequest, event: UserChanged) -> Value:
        return _clean_value(event.change, self._name)


def _clean_value(holder: Any, name: str) -> Value:
    value: Any = getattr(holder, name)
    return clean(value) if isinstance(value, str) else value


_TRACE: Mapping[str, PropertyMaker] = {
    "ProcessID": lambda _, event: event.process.pid,
    "ParentProcessID": lambda _, event: event.process.ppid,
    "SessionID": lambda request, event: request.ownership.session_number(event.process, event.owner),
    "Sid": _sid,
    "ProcessName": lambda _, event: clean(event.process.name or event.process.comm),
}

EVENT_CLASSES: Mapping[str, EventClass] = {
    "Win32_ProcessStartTrace": EventClass((ProcessStarted,), _TRACE, is_for_hidden=True),
    "Win32_ProcessStopTrace": EventClass((ProcessEnded,), {**_TRACE, "ExitStatus": _exit_status}, is_for_hidden=True),
    "LS_LogonEvent": EventClass(
        (LogonStarted, LoggedOut, LogonEnded, LogonFailed),
        {
            "Event": lambda _, event: type(event).__name__,
            "Time": _event_datetime,
            "LogonId": _LogonProperty(session="logon_id"),
            "LogonGuid": _LogonProperty(session="guid"),
            "User": _LogonProperty("user", "user"),
            "Uid": _LogonProperty(session="uid"),
            "IsKnownUser": _LogonProperty("is_known_user"),
            "LogonType": _LogonProperty(session="logon_type"),
            "Service": _LogonProperty("service", "service"),
            "Terminal": _LogonProperty("tty", "tty"),
            "RemoteHost": _LogonProperty("remote_host", "remote_host"),
            "RemoteAddress": _LogonProperty("address", "remote_address"),
            "RemotePort": _LogonProperty("port", "remote_port"),
            "AuthenticationMethod": _LogonProperty("method", "authentication_method"),
            "KeyType": _LogonProperty(session="key_type"),
            "KeyFingerprint": _LogonProperty(session="key_fingerprint"),
            "ByUser": _LogonProperty("by_user"),
            "Command": _LogonProperty("command"),
            "Reason": _LogonProperty("reason"),
            "Attempts": _LogonProperty("attempts"),
        },
    ),
    "LS_UserChangeEvent": EventClass(
        (UserChanged,),
        {
            "Time": _event_datetime,
            "ProcessId": lambda _, event: event.process.pid,
            "ProcessGuid": lambda request, event: process_guid(request.machine, event.process),
            "LogonId": lambda _, event: event.owner.logon_id,
            "LogonGuid": lambda request, event: request.logon_guid(event.owner),
            "FromUid": _ChangeProperty("from_uid"),
            "FromUser": _ChangeProperty("from_user"),
            "ToUid": _ChangeProperty("to_uid"),
            "ToUser": _ChangeProperty("to_user"),
            "IsComplete": _ChangeProperty("is_complete"),
            "Program": _ChangeProperty("program"),
            "Through": _ChangeProperty("through"),
            "Command": _ChangeProperty("command"),
        },
    ),
}
"""Classes of events by name."""


def event_classes(cls: Class) -> list[tuple[Class, EventClass]]:
    """Return the classes of events among a class and its subclasses."""
    # a query of a superclass, such as Win32_ProcessTrace, gets the events of all its subclasses
    members = cls.schema.class_with_subclasses(cls.name, cls.namespace)
    return [(member, EVENT_CLASSES[member.name]) for member in members if member.name in EVENT_CLASSES]


def event_row(request: EventRequest, cls: Class, event_class: EventClass, event: Event) -> tuple[Value, ...]:
    """Return the values of all properties of an event, in the order of its class."""
    return tuple(
        [
            filetime(event_seconds(event))
            if name == "TIME_CREATED"
            else _property_value(request, event_class, name, event)
            for name in cls.properties
        ]
    )


def _property_value(request: EventRequest, event_class: EventClass, name: str, event: Event) -> Value:
    make = event_class.properties.get(name)
    return None if make is None else make(request, event)
