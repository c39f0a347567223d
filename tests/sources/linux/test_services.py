"""Tests of sources/linux/services.py: what the files of a host show of its services."""

import os
from pathlib import Path

from logonscope.facts import Service
from logonscope.machine import Look, ServiceQuery
from logonscope.sources.linux.services import read_services
from tests.hosts import HostFolder


def read(host: HostFolder, *names: str, details: bool = True) -> dict[str, Service]:
    query = ServiceQuery(frozenset(names) if names else None, details)
    return {service.name: service for service in read_services(str(host.root), Look(), query)}


def start(host: HostFolder, name: str, seconds: int) -> None:
    """Make the link that systemd makes at a start."""
    link = host.root / "run/systemd/units" / f"invocation:{name}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to("0123")
    os.utime(link, (seconds, seconds), follow_symlinks=False)


def test_services_of_systemd_are_known_by_their_cgroups_and_starts(host: HostFolder) -> None:
    host.group("/system.slice/nginx.service", 700, 701)
    host.group("/system.slice/system-getty.slice/getty@tty1.service", 702)
    host.group("/system.slice/_cpu.service", 703)
    host.group("/system.slice/empty.service")
    host.group("/system.slice/docker-1.scope/system.slice/inner.service", 9)
    host.group("/system.slice/a.service/below.service", 9)
    host.group("/user.slice/user-1000.slice/user@1000.service/app.slice/mine.service", 9)
    start(host, "nginx.service", 1000)
    start(host, "done.service", 2000)
    start(host, "tmp.mount", 3000)
    found = read(host)
    assert {name: (service.active_state, service.start) for name, service in found.items()} == {
        "nginx.service": ("active", 1_000_000_000), "getty@tty1.service": ("active", None),
        "cpu.service": ("active", None), "empty.service": (None, None), "a.service": (None, None),
        "done.service": (None, 2_000_000_000), "user@1000.service": (None, None),
    }  # fmt: skip
    assert {service.manager for service in found.values()} == {"cgroup"}
    assert list(read(host, "NGINX.service")) == ["nginx.service"]


def test_a_start_alone_is_one_link(host: HostFolder) -> None:
    start(host, "nginx.service", 1000)
    assert read(host, "nginx.service", "../../x", "a\0.service", details=False) == {
        "nginx.service": Service("nginx.service", manager="cgroup", start=1_000_000_000)
    }


def script(root: Path, name: str, text: str = "#!/bin/sh\n") -> None:
    path = root / "etc/init.d" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_scripts_of_sysvinit(tmp_path: Path) -> None:
    host = HostFolder(tmp_path, systemd=False)
    head = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: x\n# Short-Description: Secure Shell\n### END INIT INFO\n"
    script(tmp_path, "ssh", head)
    script(tmp_path, "cron")
    script(tmp_path, "skeleton")
    (tmp_path / "etc/init.d/README").write_text("text")
    (tmp_path / "etc/rc3.d").mkdir()
    (tmp_path / "etc/rc3.d/S01ssh").symlink_to("../init.d/ssh")
    (tmp_path / "etc/rc3.d/K01cron").symlink_to("../init.d/cron")
    assert read(host) == {
        "cron": Service("cron", manager="sysvinit", load_state="loaded", file_state="disabled"),
        "ssh": Service(
            "ssh", manager="sysvinit", description="Secure Shell", load_state="loaded", file_state="enabled"
        ),
    }


def test_scripts_of_openrc(tmp_path: Path) -> None:
    host = HostFolder(tmp_path, systemd=False)
    script(tmp_path, "sshd", '#!/sbin/openrc-run\ndescription="OpenBSD Secure Shell server"\n')
    script(tmp_path, "crond")
    for folder in ("run/openrc/started", "run/openrc/failed", "etc/runlevels/default", "etc/runlevels/shutdown"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run/openrc/started/sshd").symlink_to("/etc/init.d/sshd")
    (tmp_path / "run/openrc/failed/crond").symlink_to("/etc/init.d/crond")
    (tmp_path / "etc/runlevels/default/sshd").symlink_to("/etc/init.d/sshd")
    (tmp_path / "etc/runlevels/shutdown/crond").symlink_to("/etc/init.d/crond")
    found = read(host)
    assert {name: (one.active_state, one.file_state, one.description) for name, one in found.items()} == {
        "crond": ("failed", "disabled", None),
        "sshd": ("active", "enabled", "OpenBSD Secure Shell server"),
    }


def test_a_host_without_either_has_no_services(tmp_path: Path) -> None:
    assert read(HostFolder(tmp_path, systemd=False)) == {}
