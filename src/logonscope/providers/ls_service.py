"""LS_Service: the services of the system's manager and of users' managers, with systemd's names of types and states."""

from logonscope.machine import datetime_of_microseconds
from logonscope.providers.helpers.provider import NAMED_SERVICES, Provider, column
from logonscope.providers.helpers.service_keys import manager_name, select_manager, select_service
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="service",
    instance_facts=frozenset({NAMED_SERVICES}),
    columns={
        "Name": column(lambda service, _: clean(service.name), "systemd: Id; else the cgroup, or the script"),
        "Manager": column(lambda service, _: manager_name(service), "the cgroup: below user@UID.service or not"),
        "Uid": column(lambda service, _: service.uid, "the cgroup: user-UID.slice"),
        "Kind": column(lambda service, _: clean(service.manager) or None, "the manager, or how it was found"),
        "Description": column(lambda service, _: clean(service.description), "systemd: Description"),
        "Type": column(lambda service, _: clean(service.type), "systemd: Type"),
        "LoadState": column(lambda service, _: clean(service.load_state), "systemd: LoadState"),
        "ActiveState": column(
            lambda service, _: clean(service.active_state), "systemd: ActiveState; active if its cgroup has processes"
        ),
        "SubState": column(lambda service, _: clean(service.sub_state), "systemd: SubState"),
        "UnitFileState": column(lambda service, _: clean(service.file_state), "systemd: UnitFileState"),
        "Result": column(lambda service, _: clean(service.result), "systemd: Result"),
        "MainProcessId": column(lambda service, _: service.main_pid or None, "systemd: MainPID"),
        "User": column(lambda service, _: clean(service.user), "systemd: User; root if it is not set"),
        "StartTime": column(
            lambda service, _: datetime_of_microseconds(service.start),
            "the link /run/systemd/units/invocation:NAME, which is made at each start",
        ),
        "Command": column(lambda service, _: clean(service.command), "systemd: ExecStart; for administrators only"),
    },
    selections={"Name": select_service, "Manager": select_manager},
)  # fmt: skip
