"""Services: the programs that a service manager starts and supervises, with the words of systemd for their states."""

import re
from typing import NamedTuple

SERVICE_UNIT = re.compile(r"(?!@)(?!.*@\.service)[A-Za-z0-9:_.\\@-]{1,247}\.service")
"""The name of a unit of type service that is no template (systemd.unit(5)); the whole name has to match."""


class ServiceName(NamedTuple):
    """The name of a service and its manager; equal names of two managers are two services."""

    name: str  # "ssh.service"; of OpenRC and sysvinit the name of the script: "sshd"
    uid: int | None = None  # of the user whose manager runs it; None: the manager of the system


class Service(NamedTuple):
    """One service. None: not read, or not known to the manager."""

    name: str
    uid: int | None = None  # as in ServiceName
    manager: str = ""  # systemd, openrc, sysvinit; "cgroup": only its control group was read
    description: str | None = None
    type: str | None = None  # simple, forking, oneshot, notify, ...: systemd.service(5)
    load_state: str | None = None  # loaded, masked, error, ...
    active_state: str | None = None  # active, reloading, inactive, failed, activating, deactivating
    sub_state: str | None = None  # running, exited, dead, ...
    freezer_state: str | None = None  # running, freezing, frozen, thawing
    file_state: str | None = None  # enabled, disabled, static, masked, ...: systemctl(1), is-enabled
    result: str | None = None  # success, exit-code, signal, timeout, ...
    main_pid: int | None = None  # 0: no main process runs
    exit_status: int | None = None  # of the main process that ended last
    command: str | None = None  # program and arguments, joined by single spaces
    user: str | None = None  # account that it runs as
    can_stop: bool | None = None
    can_freeze: bool | None = None
    start: int | None = None  # microseconds since the epoch: when it was started last, while it runs
