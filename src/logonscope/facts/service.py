"""Services: the programs that a service manager starts and supervises, with the words of systemd for their states."""

import re
from typing import NamedTuple

# compiled at first use, because few requests need it
_SERVICE_UNIT = r"(?!@)(?!.*@\.service)[A-Za-z0-9:_.\\@-]{1,247}\.service"


def is_service_unit(name: str) -> bool:
    """Return whether a name is that of a service unit, but not of a template (systemd.unit(5))."""
    return re.fullmatch(_SERVICE_UNIT, name) is not None


class ServiceName(NamedTuple):
    """The name of a service and its manager; the same name in two managers means two services.

    Attributes:
        name: "ssh.service"; with OpenRC and sysvinit, the name of the script: "sshd".
        uid: of the user whose manager runs the service; None: the manager of the system.
    """

    name: str
    uid: int | None = None


class Service(NamedTuple):
    """One service. None: not read, or not known to the manager.

    Attributes:
        uid: as in ServiceName.
        manager: systemd, openrc, sysvinit; "process": no manager reports the service, but processes are in its cgroup;
            "cgroup": no manager was queried, only the cgroup or the start of the service was read.
        type: simple, forking, oneshot, notify, ...: systemd.service(5).
        load_state: loaded, masked, error, ...
        active_state: active, reloading, inactive, failed, activating, deactivating.
        sub_state: running, exited, dead, ...
        freezer_state: running, freezing, frozen, thawing.
        file_state: enabled, disabled, static, masked, ...: systemctl(1), is-enabled.
        result: success, exit-code, signal, timeout, ...
        main_pid: 0: no main process runs.
        exit_status: of the main process that ended last; None while a main process runs.
        command: program and arguments, joined by single spaces.
        user: account that the service runs as.
        start: microseconds since the epoch: when the service was started last; known only while the service runs.
    """

    name: str
    uid: int | None = None
    manager: str = ""
    description: str | None = None
    type: str | None = None
    load_state: str | None = None
    active_state: str | None = None
    sub_state: str | None = None
    freezer_state: str | None = None
    file_state: str | None = None
    result: str | None = None
    main_pid: int | None = None
    exit_status: int | None = None
    command: str | None = None
    user: str | None = None
    can_stop: bool | None = None
    can_freeze: bool | None = None
    start: int | None = None
