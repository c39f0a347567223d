"""LS_UnitLogon: the logon session from which a service of the system was last started, if the journal proves this."""

from logonscope.cim.types import Value
from logonscope.facts import ServiceName, UnitRequest
from logonscope.machine import Owner, Selection, datetime_of_microseconds
from logonscope.providers.helpers.provider import Context, End, Provider, column
from logonscope.providers.helpers.service_keys import SYSTEM_MANAGER, select_service, service_reference
from logonscope.providers.helpers.text import clean

_TRUSTED = "journal, fields that journald takes from the kernel"


def _service(row: UnitRequest, _: Owner, __: Context) -> tuple[Value, ...]:
    return service_reference(ServiceName(row.unit))


def _select_service(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a reference to an LS_Service; there are no unit requests of user managers."""
    if str(reference[1]).lower() != SYSTEM_MANAGER:
        return Selection(services=frozenset())
    return select_service(reference[2])


PROVIDER = Provider(
    subject="unit request",
    columns={
        "Antecedent": column(
            lambda _, owner, __: ("LS_LogonSession", owner.logon_id), f"{_TRUSTED}: _AUDIT_SESSION, _SYSTEMD_CGROUP"
        ),
        "Dependent": column(_service, "journal, UNIT of the line that process 1 wrote at the start"),
        "LogonId": column(lambda _, owner, __: owner.logon_id, "as Antecedent"),
        "LoginUid": column(lambda row, *_: row.loginuid, f"{_TRUSTED}: _AUDIT_LOGINUID"),
        "RequestTime": column(
            lambda row, *_: datetime_of_microseconds(row.requested), f"{_TRUSTED}: _SOURCE_REALTIME_TIMESTAMP"
        ),
        "StartTime": column(
            lambda row, *_: datetime_of_microseconds(row.started),
            f"{_TRUSTED}: _SOURCE_REALTIME_TIMESTAMP of the line that process 1 wrote at the start",
        ),
        "RequestProcessId": column(lambda row, *_: row.pid, f"{_TRUSTED}: _PID"),
        "Command": column(lambda row, *_: clean(row.command), f"{_TRUSTED}: _CMDLINE"),
        "Evidence": column(lambda row, *_: clean(row.source), "the log and the program that logged the command"),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("service")},
    selections={"Dependent": _select_service},
)
