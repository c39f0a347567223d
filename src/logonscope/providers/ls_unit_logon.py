"""LS_UnitLogon: the logon session that last started a service of the system, if systemd's journal proves this."""

from logonscope.cim.types import Value
from logonscope.facts import ServiceName, UnitRequest
from logonscope.machine import Owner, Selection, datetime_of_microseconds
from logonscope.providers.helpers.provider import Context, End, Provider, column
from logonscope.providers.helpers.service_keys import SYSTEM_MANAGER, select_service, service_reference
from logonscope.providers.helpers.text import clean

_TRUSTED = "journal, fields that journald takes from the kernel"


def _service(request: UnitRequest, _: Owner, __: Context) -> tuple[Value, ...]:
    return service_reference(ServiceName(request.unit))


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
        "LoginUid": column(lambda request, *_: request.loginuid, f"{_TRUSTED}: _AUDIT_LOGINUID"),
        "RequestTime": column(
            lambda request, *_: datetime_of_microseconds(request.requested), f"{_TRUSTED}: _SOURCE_REALTIME_TIMESTAMP"
        ),
        "StartTime": column(
            lambda request, *_: datetime_of_microseconds(request.started),
            f"{_TRUSTED}: _SOURCE_REALTIME_TIMESTAMP of the line that process 1 wrote at the start",
        ),
        "RequestProcessId": column(lambda request, *_: request.pid, f"{_TRUSTED}: _PID"),
        "Command": column(lambda request, *_: clean(request.command), f"{_TRUSTED}: _CMDLINE"),
        "Evidence": column(
            lambda request, *_: clean(request.source), "the log and the program that logged the command"
        ),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("service")},
    selections={"Dependent": _select_service},
)
