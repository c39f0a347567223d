"""LS_ServiceProcess: the service that a process belongs to, by its cgroup."""

from logonscope.cim.types import Value
from logonscope.facts import Process
from logonscope.machine import OWNER_FACT, Owner
from logonscope.providers.helpers.process_keys import process_reference, select_process
from logonscope.providers.helpers.provider import Context, End, Provider, column
from logonscope.providers.helpers.service_keys import service_reference

_CGROUP = "cgroup"


def _has_service(process: Process, _: Owner, context: Context) -> bool:
    return context.ownership.service_of(process) is not None


def _service(process: Process, _: Owner, context: Context) -> tuple[Value, ...] | None:
    service = context.ownership.service_of(process)
    return service and service_reference(service)


PROVIDER = Provider(
    subject="process",
    is_instance=_has_service,
    instance_facts=frozenset({_CGROUP}),
    columns={
        "Antecedent": column(_service, "cgroup: its first component that is no slice", _CGROUP),
        "Dependent": column(lambda process, *_: process_reference(process, "LS_Process"), "its directory in /proc"),
        "LogonId": column(lambda _, owner, __: owner.logon_id, "see LS_SessionProcess", OWNER_FACT),
    },
    ends={"Antecedent": End("service"), "Dependent": End("process", slice(0, 2))},
    selections={"Dependent": select_process},
)
