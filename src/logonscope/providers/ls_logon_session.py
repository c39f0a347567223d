"""LS_LogonSession: all that Linux knows of each logon session, each value with its source."""

from collections.abc import Callable

from logonscope.answers.logon_session import LogonSession
from logonscope.cim.types import Value
from logonscope.providers.helpers.process_keys import login_uid_meant, login_user_meant, logon_meant
from logonscope.providers.helpers.provider import COUNTS, Column, Provider, column
from logonscope.providers.helpers.text import clean

_RECORD = "the login service's record"


def _text(name: str, source: str) -> Column:
    at = LogonSession._fields.index(name)
    return Column(lambda session, *_: clean(session[at]), source)


def _value(name: str, source: str, *facts: str) -> Column:
    at = LogonSession._fields.index(name)
    return Column(lambda session, *_: session[at], source, frozenset(facts))


_NAMES = {
    "User": "user", "Uid": "uid", "LogonType": "logon_type", "AuthenticationPackage": "authentication_package",
    "StartTime": "start", "State": "state", "Seat": "seat", "VirtualTerminal": "vt", "Terminal": "tty",
    "RemoteHost": "remote_host", "RemoteUser": "remote_user", "Service": "service", "LoginClass": "login_class",
    "LeaderId": "leader", "Scope": "scope",
}  # fmt: skip
"""Each property and the fact whose source is told."""


def _sources(session: LogonSession, *_: object) -> tuple[Value, ...]:
    return tuple(f"{name}: {clean(session.sources[fact])}" for name, fact in _NAMES.items() if fact in session.sources)


def _of(kind: Callable[[str, str], Column], name: str, source: str) -> Column:
    return kind(_NAMES[name], source)


PROVIDER = Provider(
    subject="logon session",
    columns={
        "LogonId": _value("logon_id", "the rule that decided: see LS_SessionProcess"),
        "User": _of(_text, "User", "the name service's name for Uid, else the record's"),
        "Uid": _of(_value, "Uid", "loginuid of its processes, else the record's"),
        "LogonType": _of(_value, "LogonType", "see Win32_LogonSession"),
        "AuthenticationPackage": _of(_text, "AuthenticationPackage", "see Win32_LogonSession"),
        "StartTime": _of(_value, "StartTime", "see Win32_LogonSession"),
        "State": _of(_value, "State", f"{_RECORD}, and whether its leader is there"),
        "Seat": _of(_text, "Seat", _RECORD),
        "VirtualTerminal": _of(_value, "VirtualTerminal", _RECORD),
        "Terminal": _of(_text, "Terminal", f"{_RECORD}, else tty_nr right below the leader"),
        "RemoteHost": _of(_text, "RemoteHost", _RECORD),
        "RemoteUser": _of(_text, "RemoteUser", _RECORD),
        "Service": _of(_text, "Service", _RECORD),
        "LoginClass": _of(_text, "LoginClass", _RECORD),
        "LeaderId": _of(_value, "LeaderId", _RECORD),
        "Scope": _of(_text, "Scope", _RECORD),
        "LoginId": _text("login", _RECORD),
        "VouchedBy": _text("vouched_by", "which login service has the record"),
        "ProcessCount": _value("processes", "counted, of those that the caller sees", COUNTS),
        "LeftoverCount": _value("leftovers", "counted, where the leader is gone", COUNTS),
        "Sources": column(_sources, "what each of the above was taken from"),
        "BootId": column(
            lambda _, __, context: clean(context.machine.boot_id), "/proc/sys/kernel/random/boot_id"
        ),
        "Guid": _value(
            "guid", "UUID version 5 of /etc/machine-id, BootId, LogonId; above 2^32 also the inode of its cgroup"
        ),
        "JoinEvidence": _value("join_evidence", "its record, its leader, or the processes of its scope"),
        "StartIsApproximate": _value("start_is_approximate", "whether StartTime is that of a process"),
    },
    fixes={"LogonId": logon_meant, "User": login_user_meant, "Uid": login_uid_meant},
)  # fmt: skip
