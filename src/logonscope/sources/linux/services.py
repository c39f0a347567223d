"""Reader of services: from systemd's manager, or from the files that systemd, OpenRC and sysvinit keep.

Without the manager, services are known from files only. With systemd, the cgroups show which services have processes,
and a link, which the manager makes at each start, shows since when a service runs. OpenRC's files show the scripts, the
runlevels and the started services. The files of sysvinit show the scripts, and the runlevels that start them.
"""

import os
import re
from collections.abc import Iterable, Iterator

from logonscope.facts import Service, is_service_unit
from logonscope.machine import Look, ServiceQuery
from logonscope.machine.source import matching_services
from logonscope.sources.linux.scopes import HIERARCHIES, list_folder

ROOT = "/"
_INVOCATIONS = "run/systemd/units"
_SCRIPT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}")
_DESCRIPTION = re.compile(rb"^(?:# Short-Description:|description=)[ \t]*[\"']?(.*?)[\"']?[ \t]*$", re.MULTILINE)
_START = re.compile(r"S[0-9]{2}(.+)")
_MAX_BYTES = 4096
"""Maximum bytes that are read of a script or of a file of a cgroup: an LSB script begins with its comments."""

_NON_SERVICE_FILES = {"functions.sh", "README", "skeleton", "rc", "rcS", "functions", "halt", "reboot", "single"}
"""Files in etc/init.d that are not services."""


def read_services(root: str, look: Look, query: ServiceQuery) -> Iterator[Service]:
    """Yield the services that a query names."""
    if not os.path.isdir(os.path.join(root, "run/systemd/system")):  # sd_booted(3)
        return matching_services(_read_scripts(root), query)
    # for the start alone, no directory is listed and no program is run
    if query.names is not None and not query.details:
        return _read_starts(root, query.names)
    units: Iterable[Service] | None = None
    if root == ROOT and query.details:
        from logonscope.sources.linux.systemctl import read_units  # noqa: PLC0415 -- `whose` needs only a start

        units = read_units(root, look, query.names)
    if units is None:
        units = _read_running_units(root)
    return (service._replace(start=_read_start(root, service.name)) for service in matching_services(units, query))


def _read_starts(root: str, names: Iterable[str]) -> Iterator[Service]:
    """Yield the services with these names that have a start."""
    for name in sorted(names):
        start = _read_start(root, name) if is_service_unit(name) else None
        if start is not None:
            yield Service(name, manager="cgroup", start=start)


def _read_start(root: str, name: str) -> int | None:
    """Return when a service was started last: the manager makes a link at each start and removes it at the end."""
    try:
        link = os.lstat(os.path.join(root, _INVOCATIONS, f"invocation:{name}"))
    except (OSError, ValueError):
        return None
    return link.st_mtime_ns // 1000


def _read_running_units(root: str) -> Iterator[Service]:
    """Yield the services whose cgroup exists, or that have a start: they are active, or being started or stopped."""
    units: dict[str, bool] = {}  # name -> whether the service has processes
    for hierarchy in HIERARCHIES:
        top = os.path.join(root, hierarchy)
        if os.path.isdir(os.path.join(top, "system.slice")):
            units.update(_units_below(top))
            break
    # a oneshot service can be active without a process: only the link of its start is left
    for link in list_folder(os.path.join(root, _INVOCATIONS)):
        name = link.removeprefix("invocation:")
        if name != link and is_service_unit(name):
            units.setdefault(name, False)
    for name, has_processes in sorted(units.items()):
        yield Service(name, manager="cgroup", active_state="active" if has_processes else None)


def _units_below(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the services in the slices below a folder, and whether each has processes."""
    for name in list_folder(folder):
        path = os.path.join(folder, name)
        if name.endswith(".slice"):
            yield from _units_below(path)
        # systemd may put "_" before a name (cg_unescape()). Units below a service, such as those of a user manager, are
        # not searched.
        elif is_service_unit(unit := name.removeprefix("_")):
            yield unit, _has_processes(path)


def _has_processes(path: str) -> bool:
    for name, populated_line in (("cgroup.events", b"populated 1"), ("cgroup.procs", b"\n")):
        try:
            with open(os.path.join(path, name), "rb") as file:
                return populated_line in file.read(_MAX_BYTES)
        except OSError:
            continue
    return False


def _read_scripts(root: str) -> Iterator[Service]:
    """Yield the services that have a script in etc/init.d."""
    manager = "openrc" if os.path.isdir(os.path.join(root, "run/openrc")) else "sysvinit"
    enabled = _openrc_enabled(root) if manager == "openrc" else _sysvinit_enabled(root)
    for name in list_folder(os.path.join(root, "etc/init.d")):
        path = os.path.join(root, "etc/init.d", name)
        if (
            name in _NON_SERVICE_FILES
            or not _SCRIPT.fullmatch(name)
            or not os.path.isfile(path)
            or not os.access(path, os.X_OK)
        ):
            continue
        yield Service(
            name,
            manager=manager,
            description=_read_description(path),
            load_state="loaded",
            active_state=_openrc_state(root, name) if manager == "openrc" else None,
            file_state="enabled" if name in enabled else "disabled",
        )


def _openrc_enabled(root: str) -> set[str]:
    """Return the services of all runlevels except shutdown (OpenRC's guide: runlevels)."""
    levels = set(list_folder(os.path.join(root, "etc/runlevels"))) - {"shutdown"}
    return {name for level in levels for name in list_folder(os.path.join(root, "etc/runlevels", level))}


def _openrc_state(root: str, name: str) -> str:
    """Return the state of a service in the words of systemd: OpenRC has a directory of links for each state."""
    states = (("failed", "failed"), ("starting", "activating"), ("stopping", "deactivating"), ("started", "active"))
    # a failed service can have a link in another directory, too: so the directory of failed services comes first
    for folder, state in states:
        if os.path.lexists(os.path.join(root, "run/openrc", folder, name)):
            return state
    return "inactive"


def _sysvinit_enabled(root: str) -> set[str]:
    """Return the services that start at boot (S) or in one of the runlevels 2 to 5: links S??NAME in etc/rc?.d."""
    links = (link for level in "S2345" for link in list_folder(os.path.join(root, f"etc/rc{level}.d")))
    return {match[1] for link in links if (match := _START.fullmatch(link))}


def _read_description(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            match = _DESCRIPTION.search(file.read(_MAX_BYTES))
    except OSError:
        return None
    return match[1].decode("utf-8", "surrogateescape") or None if match else None
