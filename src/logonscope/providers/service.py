"""Win32_Service: the services of the system's service manager. Only LS_Service has those of user managers, too."""

from logonscope.facts import Service
from logonscope.providers.helpers.host import computer_name
from logonscope.providers.helpers.provider import Context, Provider, always_null, column, constant, host_column
from logonscope.providers.helpers.service_keys import select_service
from logonscope.providers.helpers.text import clean

STATES = {
    "active": "Running", "reloading": "Running", "refreshing": "Running", "inactive": "Stopped", "failed": "Stopped",
    "activating": "Start Pending", "deactivating": "Stop Pending", "maintenance": "Unknown",
}  # fmt: skip
FREEZER_STATES = {"frozen": "Paused", "freezing": "Pause Pending", "thawing": "Continue Pending"}

START_MODES = {
    "enabled": "Auto", "enabled-runtime": "Auto", "masked": "Disabled", "masked-runtime": "Disabled",
    "disabled": "Manual", "static": "Manual", "indirect": "Manual", "linked": "Manual", "linked-runtime": "Manual",
    "transient": "Manual",
}  # fmt: skip
"""StartMode by UnitFileState. A "disabled" unit is Manual, since a person or another unit can start it.

A masked unit is Disabled, since nothing can start it.
"""

SERVICE_SPECIFIC_ERROR, PROCESS_ABORTED = 1066, 1067
"""Windows error numbers. 1066: see the service's own error code; 1067: its process ended unexpectedly."""

NO_SUCH_SETTING = "systemd has no such setting"


def _state(service: Service, _: Context) -> str | None:
    state = STATES.get(service.active_state or "")
    return FREEZER_STATES.get(service.freezer_state or "", state) if state == "Running" else state


def _is_started(service: Service, context: Context) -> bool | None:
    state = _state(service, context)
    return None if state in {None, "Unknown"} else state not in {"Stopped", "Start Pending"}


def _status(service: Service, _: Context) -> str | None:
    if service.active_state is None:
        return None
    return {"failed": "Error", "activating": "Starting", "deactivating": "Stopping"}.get(service.active_state, "OK")


def _exit_code(service: Service, _: Context) -> int | None:
    if service.result == "exit-code":
        return SERVICE_SPECIFIC_ERROR
    if service.result in {"signal", "core-dump", "watchdog", "oom-kill"}:
        return PROCESS_ABORTED
    return 0 if service.result == "success" else None


def _specific_exit_code(service: Service, _: Context) -> int | None:
    if service.result == "exit-code":
        return service.exit_status
    return 0 if service.result == "success" else None


def _accepts_stop(service: Service, context: Context) -> bool | None:
    started = _is_started(service, context)
    return None if service.can_stop is None or started is None else service.can_stop and started


def _accepts_pause(service: Service, context: Context) -> bool | None:
    started = _is_started(service, context)
    return None if service.can_freeze is None or started is None else service.can_freeze and started


def _display_name(service: Service, _: Context) -> str | None:
    return clean(service.description) or clean(service.name)


PROVIDER = Provider(
    subject="service",
    is_instance=lambda service, _: service.uid is None,  # with a uid, the service is one of a user manager
    columns={
        "Caption": column(_display_name, "as DisplayName"),
        "Description": column(lambda service, _: clean(service.description), "systemd: Description"),
        "InstallDate": always_null(NO_SUCH_SETTING),
        "Name": column(
            lambda service, _: clean(service.name),
            "systemd: Id, such as ssh.service; else the name of the script in /etc/init.d",
        ),
        "Status": column(_status, "systemd: ActiveState; Error: it has failed"),
        "CreationClassName": constant("Win32_Service"),
        "StartMode": column(
            lambda service, _: START_MODES.get(service.file_state or ""),
            "systemd: UnitFileState; enabled is Auto, masked is Disabled, else Manual; null for a generated unit",
        ),
        "Started": column(_is_started, "as State"),
        "SystemCreationClassName": constant("Win32_ComputerSystem"),
        "SystemName": host_column(lambda context: computer_name(context.machine), "the kernel's hostname"),
        "AcceptPause": column(_accepts_pause, "systemd: CanFreeze, while it runs"),
        "AcceptStop": column(_accepts_stop, "systemd: CanStop, while it runs"),
        "DesktopInteract": constant(value=False, source="a service has no desktop"),
        "DisplayName": column(_display_name, "as Description, else Name"),
        "ErrorControl": always_null(NO_SUCH_SETTING),
        "PathName": column(
            lambda service, _: clean(service.command),
            "systemd: ExecStart, its first command with its arguments; for administrators only",
        ),
        "ServiceType": constant("Own Process", "a control group holds the processes of one service"),
        "StartName": column(lambda service, _: clean(service.user), "systemd: User; root if it is not set"),
        "State": column(_state, "systemd: ActiveState; Paused: FreezerState is frozen"),
        "TagId": always_null(NO_SUCH_SETTING),
        "ExitCode": column(
            _exit_code, "systemd: Result; 1066: see ServiceSpecificExitCode, 1067: a signal ended it"
        ),
        "ServiceSpecificExitCode": column(_specific_exit_code, "systemd: ExecMainStatus, if Result is exit-code"),
        "CheckPoint": always_null(NO_SUCH_SETTING),
        "WaitHint": always_null(NO_SUCH_SETTING),
        "ProcessId": column(lambda service, _: service.main_pid, "systemd: MainPID"),
        "DelayedAutoStart": always_null(NO_SUCH_SETTING),
    },
    selections={"Name": select_service},
)  # fmt: skip
