"""Boots, failed logons and changes of user in the history of a host, read through the classes of their records.

Every host that has these classes answers, whatever its protocol.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from logonscope.answers.history import HistoryFilter, PastFailedLogon, PastLogin, PastUserChange
from logonscope.cim.datetimes import format_datetime
from logonscope.wql.tree import AT_LEAST, EQUAL, LESS, And, Comparison, ConditionTree, Constant, Name, Or, Select
from logonscope.wql.write import write_statement

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance
    from logonscope.client.host import Host

NAMESPACE = "root/logonscope"
MAX_NAMED = 200
"""Maximum number of logon sessions that one query names; for more, all changes of user are read."""

_ATTEMPT_PROPERTIES: Mapping[str, str] = {
    "record": "RecordId", "time": "Time", "service": "Service", "user": "User", "is_known_user": "IsKnownUser",
    "remote_address": "RemoteAddress", "remote_port": "RemotePort", "remote_host": "RemoteHost",
    "method": "AuthenticationMethod", "tty": "Terminal", "by_user": "ByUser", "command": "Command", "reason": "Reason",
    "attempts": "Attempts", "pid": "ProcessId", "source": "Source", "boot_id": "BootId",
}  # fmt: skip
"""The fields of a failed logon, and the properties that have them."""

_CHANGE_PROPERTIES: Mapping[str, str] = {
    "record": "RecordId", "process_record": "ProcessRecordId", "logon_record": "LogonRecordId", "logon_id": "LogonId",
    "time": "Time", "pid": "ProcessId", "from_uid": "FromUid", "from_user": "FromUser", "to_uid": "ToUid",
    "to_user": "ToUser", "is_complete": "IsComplete", "program": "Program", "through": "Through", "command": "Command",
    "boot_id": "BootId",
}  # fmt: skip
"""The fields of a change of user, and the properties that have them."""


_LOGON_PROPERTIES: Mapping[str, str] = {
    "record": "RecordId", "logon_id": "LogonId", "guid": "Guid", "user": "User", "uid": "Uid",
    "logon_type": "LogonType", "start": "StartTime", "logout": "LogoutTime", "end": "EndTime",
    "end_is_approximate": "EndIsApproximate", "service": "Service", "tty": "Terminal", "seat": "Seat",
    "login": "LoginId", "remote_host": "RemoteHost", "remote_address": "RemoteAddress", "remote_port": "RemotePort",
    "authentication_method": "AuthenticationMethod", "key_type": "KeyType", "key_fingerprint": "KeyFingerprint",
    "boot_id": "BootId",
}  # fmt: skip
"""The fields of a logon session, and the properties that have them."""

SYSTEM_LOGON_ID = "4294967295"
"""The LogonId of the System session. Each boot has one System session, which lasts as long as the boot."""


def read_boots(host: "Host", where: HistoryFilter) -> Iterator[PastLogin]:
    """Yield the System sessions, one for each boot, that a filter selects by time; none if it has other conditions.

    Only administrators see System sessions. The processes that ran in them are not counted.
    """
    if where != HistoryFilter(since=where.since, until=where.until):
        return
    terms: list[ConditionTree] = [_equal("LogonId", SYSTEM_LOGON_ID)]
    if where.until is not None:
        terms.append(Comparison(Name(("StartTime",)), LESS, format_datetime(where.until)))
    for instance in _query(host, "LS_LogonRecord", terms):
        boot = PastLogin(
            **_fields(instance, _LOGON_PROPERTIES), logon_type_name="System", runs=0, failed=0, programs=()
        )
        if where.since is None or boot.end is None or boot.end >= where.since:
            yield boot


def read_failed_logons(host: "Host", where: HistoryFilter) -> Iterator[PastFailedLogon]:
    """Yield the failed logons that a filter selects by user, origin and time.

    Yield nothing if the filter has keys, or a word that cannot be a user: a LogonId, a pid or "name:...". The field
    ``failed`` of the filter is ignored.
    """
    if where.keys is not None or not _may_be_user(where.word):
        return
    terms = list[ConditionTree]()
    if where.word is not None:
        user = where.word.removeprefix("user:")
        terms.append(Or((_equal("User", user), _equal("ByUser", user))))
    if where.since is not None:
        terms.append(Comparison(Name(("Time",)), AT_LEAST, format_datetime(where.since)))
    if where.until is not None:
        terms.append(Comparison(Name(("Time",)), LESS, format_datetime(where.until)))
    for instance in _query(host, "LS_FailedLogonRecord", terms):
        attempt = PastFailedLogon(**_fields(instance, _ATTEMPT_PROPERTIES))
        if where.may_come_from(attempt.remote_host, attempt.remote_address):
            yield attempt


def read_user_changes(host: "Host", logon_records: Iterable[str]) -> Iterator[PastUserChange]:
    """Yield the changes of user in some logon sessions.

    Args:
        host: the host.
        logon_records: the keys of the records of these logon sessions. If there are more than MAX_NAMED keys, the
            changes in all logon sessions are yielded.
    """
    keys = sorted(set(logon_records))
    if not keys:
        return
    terms = [] if len(keys) > MAX_NAMED else [_equal("LogonRecordId", key) for key in keys]
    for instance in _query(host, "LS_UserChangeRecord", [_any_of(terms)] if terms else []):
        yield PastUserChange(**_fields(instance, _CHANGE_PROPERTIES), source="")


def _may_be_user(word: str | None) -> bool:
    """Return whether the word of a filter can be the name of a user."""
    return word is None or not (word.isdecimal() or word.startswith(("pid:", "name:")))


def _query(host: "Host", class_name: str, terms: list[ConditionTree]) -> Iterator["Instance"]:
    condition = None if not terms else terms[0] if len(terms) == 1 else And(tuple(terms))
    yield from host.query(write_statement(Select(None, class_name, condition)), namespace=NAMESPACE)


def _equal(name: str, value: Constant) -> ConditionTree:
    return Comparison(Name((name,)), EQUAL, value)


def _any_of(terms: list[ConditionTree]) -> ConditionTree:
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _fields(instance: "Instance", properties: Mapping[str, str]) -> dict[str, Any]:
    return {field: instance[name] for field, name in properties.items()}
