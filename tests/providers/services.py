"""A host with services in every state, for tests of providers."""

from typing import Any

from logonscope import Host
from logonscope.broker import Caller
from logonscope.facts import UNSET, Service
from tests import example
from tests.hosts import ROOT
from tests.providers.asked import web1

STARTED = example.since(1)

SSH = Service(
    "ssh.service", manager="systemd", description="OpenBSD Secure Shell server", type="notify", load_state="loaded",
    active_state="active", sub_state="running", freezer_state="running", file_state="enabled", result="success",
    main_pid=700, command="/usr/sbin/sshd -D", user="root", can_stop=True, can_freeze=True, start=STARTED,
)  # fmt: skip
SERVICES = (
    SSH,
    SSH._replace(name="cron.service", description=None, main_pid=650, freezer_state="frozen", can_freeze=False),
    SSH._replace(
        name="failed.service", active_state="failed", result="exit-code", exit_status=7, main_pid=0,
        file_state="disabled", start=None,
    ),
    SSH._replace(
        name="killed.service", active_state="inactive", result="signal", exit_status=9, main_pid=0,
        file_state="masked", load_state="masked", start=None,
    ),
    Service("late.service", manager="systemd", active_state="activating", can_stop=True),
    Service("script", manager="sysvinit", file_state="enabled"),
)  # fmt: skip

MINE = example.process(5001, 4120, 603, "mine", uid=1000, ses=42, loginuid=1000, cgroup="")._replace(
    cgroup="/user.slice/user-1000.slice/user@1000.service/app.slice/mine.service"
)
UNLISTED = example.process(5002, 1, 603, "unlisted", ses=UNSET, cgroup="/system.slice/unlisted.service")


def host_of_services(caller: Caller = ROOT, **changes: Any) -> Host:
    """Return the example host with services, a unit of alice's manager, and a unit that no manager lists."""
    return web1(caller, services=SERVICES, processes=(*example.PROCESSES, MINE, UNLISTED), **changes)
