"""LS_LogonSession: all values that Linux has for each logon session, and the source of each."""

from collections.abc import Callable
from typing import Any

from logonscope.answers.logon_session import LogonSession
from logonscope.cim.types import Value
from logonscope.providers.helpers.process_keys import select_login_uid, select_login_user, select_logon_id
from logonscope.providers.helpers.provider import (
    ADDRESS,
    AUTHENTICATION,
    COUNTS,
    ORIGIN,
    Column,
    Provider,
    column,
    host_column,
)
from logonscope.providers.helpers.text import clean

_RECORD = "the login record"
_SOCKET = "the TCP socket of the leader, if that is an ssh server run by root"
_LOG = "sshd's line about the login in the journal; on a host without a journal, in auth.log or secure"
_RECORD_OR_CGROUP = f"{_RECORD}; without a record, the cgroup of its processes"


def _text_column(name: str, source: str, *facts: str) -> Column:
    index = LogonSession._fields.index(name)

    def clean_text(session: LogonSession, *_: object) -> str | None:
        text: Any = session[index]
        return clean(text)

    return Column(clean_text, source, frozenset(facts))


def _value_column(name: str, source: str, *facts: str) -> Column:
    index = LogonSession._fields.index(name)

    def field_value(session: LogonSession, *_: object) -> Any:
        return session[index]

    return Column(field_value, source, frozenset(facts))


_FIELD_OF_PROPERTY = {
    "User": "user", "Uid": "uid", "LogonType": "logon_type", "AuthenticationPackage": "authentication_package",
    "StartTime": "start", "State": "state", "Seat": "seat", "VirtualTerminal": "vt", "Terminal": "tty",
    "RemoteHost": "remote_host", "RemoteUser": "remote_user", "Service": "service", "LoginClass": "login_class",
    "LeaderId": "leader", "Scope": "scope", "RemoteAddress": "remote_address", "RemotePort": "remote_port",
    "AuthenticationMethod": "authentication_method", "KeyType": "key_type", "KeyFingerprint": "key_fingerprint",
    "CertificateId": "certificate_id", "CertificateSerial": "certificate_serial",
    "CertificateAuthority": "certificate_authority", "AuthenticationSource": "authentication_source",
}  # fmt: skip
"""The field of LogonSession for each property whose source can be in LogonSession.sources."""


def _sources(session: LogonSession, *_: object) -> tuple[Value, ...]:
    return tuple(
        f"{name}: {clean(session.sources[field])}"
        for name, field in _FIELD_OF_PROPERTY.items()
        if field in session.sources
    )


def _named_column(make_column: Callable[..., Column], name: str, source: str, *facts: str) -> Column:
    return make_column(_FIELD_OF_PROPERTY[name], source, *facts)


PROVIDER = Provider(
    subject="logon session",
    columns={
        "LogonId": _value_column("logon_id", "the rule that matched: see LS_SessionProcess"),
        "User": _named_column(
            _text_column, "User", "the account name of Uid; if several or none have it, the name in the login record"
        ),
        "Uid": _named_column(
            _value_column, "Uid", "loginuid of its processes, else the uid in the login record or in the cgroup"
        ),
        "LogonType": _named_column(_value_column, "LogonType", "see Win32_LogonSession"),
        "AuthenticationPackage": _named_column(
            _text_column, "AuthenticationPackage", "see Win32_LogonSession", AUTHENTICATION
        ),
        "StartTime": _named_column(_value_column, "StartTime", "see Win32_LogonSession"),
        "State": _named_column(
            _value_column, "State", f"{_RECORD}, and whether its leader exists; without a record, its processes' unit"
        ),
        "Seat": _named_column(_text_column, "Seat", _RECORD),
        "VirtualTerminal": _named_column(_value_column, "VirtualTerminal", _RECORD),
        "Terminal": _named_column(
            _text_column, "Terminal",
            f"{_RECORD}; else tty_nr of the leader, or of the first processes below it; else remembered from an earlier"
            " request",
        ),
        "RemoteHost": _named_column(_text_column, "RemoteHost", _RECORD),
        "RemoteUser": _named_column(_text_column, "RemoteUser", _RECORD),
        "Service": _named_column(_text_column, "Service", _RECORD),
        "LoginClass": _named_column(_text_column, "LoginClass", _RECORD),
        "LeaderId": _named_column(_value_column, "LeaderId", _RECORD),
        "Scope": _named_column(_text_column, "Scope", _RECORD_OR_CGROUP),
        "LoginId": _text_column("login", _RECORD_OR_CGROUP),
        "RecordedBy": _text_column("recorded_by", "the login service that has the login record"),
        "ProcessCount": _value_column("processes", "counted, of the processes that the caller may see", COUNTS),
        "LeftoverCount": _value_column("leftovers", "counted, if the leader is gone; 0 if it exists", COUNTS),
        "Sources": column(_sources, "the source of each value that is read"),
        "BootId": host_column(
            lambda context: clean(context.machine.boot_id), "/proc/sys/kernel/random/boot_id"
        ),
        "Guid": _value_column(
            "guid",
            "UUID version 5 of /etc/machine-id, BootId, LogonId; if LogonId is above 4294967295, also of the inode of"
            " the login's cgroup",
        ),
        "JoinEvidence": _value_column(
            "join_evidence", "its record, its leader, the processes of its scope, or an earlier request"
        ),
        "ContainerId": _text_column("container_id", "the cgroup of its first process"),
        "ContainerRuntime": _text_column("container_runtime", "the cgroup of its first process"),
        "PodUid": _text_column("pod_uid", "the cgroup of its first process"),
        "IsForeign": _value_column("is_foreign", "the cgroup, pid namespace and root directory of its first process"),
        "StartIsApproximate": _value_column(
            "start_is_approximate", "whether there is no login record; false for the System session"
        ),
        "RemoteAddress": _named_column(
            _value_column, "RemoteAddress", f"RemoteHost, if it is an address, else {_SOCKET}", ADDRESS
        ),
        "RemotePort": _named_column(_value_column, "RemotePort", _SOCKET, ORIGIN),
        "AuthenticationMethod": _named_column(_text_column, "AuthenticationMethod", _LOG, AUTHENTICATION),
        "KeyType": _named_column(_text_column, "KeyType", _LOG, AUTHENTICATION),
        "KeyFingerprint": _named_column(_text_column, "KeyFingerprint", _LOG, AUTHENTICATION),
        "CertificateId": _named_column(_text_column, "CertificateId", _LOG, AUTHENTICATION),
        "CertificateSerial": _named_column(_value_column, "CertificateSerial", _LOG, AUTHENTICATION),
        "CertificateAuthority": _named_column(_text_column, "CertificateAuthority", _LOG, AUTHENTICATION),
        "AuthenticationSource": _named_column(
            _text_column, "AuthenticationSource", "the log that has the line", AUTHENTICATION
        ),
    },
    selections={"LogonId": select_logon_id, "User": select_login_user, "Uid": select_login_uid},
)  # fmt: skip
