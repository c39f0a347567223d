r"""Services of processes, by their cgroup paths.

systemd places each unit in a directory of its name, below the directories of its slices. So the unit is named by the
first directory in the path that is no slice. Directories below the unit's directory belong to the unit, whatever their
names: a service with delegation makes directories of its own, and these can contain the services of a container. Units
of a user's manager are below user@UID.service, where that user can make directories: a name there is a unit of that
user, never of the system. A scope is no service.

OpenRC names its directories openrc.NAME (cgroup2) or openrc/NAME. But openrc.TYPE with a type of units, such as
openrc.slice, is a unit of systemd.
"""

import re
from functools import lru_cache

from logonscope.facts import ServiceName, is_service_unit

_MANAGER = r"/user\.slice/user-([0-9]{1,10})\.slice/user@\1\.service(?:/|$)"
_UNIT_TYPES = "service|scope|slice|socket|mount"
"""The types of units whose directories can have processes; swap is left out, because OpenRC has a service "swap"."""

_OPENRC = rf"/openrc(?:/|\.(?!(?:{_UNIT_TYPES})(?:/|$)))([A-Za-z0-9_.+-]{{1,255}})(?:/|$)"
_INIT_SCOPE = "init.scope"
"""The unit in which a user's manager itself runs, below user@UID.service: it counts as user@UID.service."""


MAX_KEPT = 1024
"""Maximum number of cached paths: many processes share a path, and one row can need the service more than once."""


@lru_cache(MAX_KEPT)
def service_of_cgroup(cgroup: str) -> ServiceName | None:
    """Return the service whose cgroup is this path, or is above it; None: the path is in no service."""
    manager = re.match(_MANAGER, cgroup)
    if manager is not None:
        uid = int(manager[1])
        # the user can choose the names of directories below user@UID.service: none of them is a unit of the system
        unit = _first_unit(cgroup[manager.end() :])
        if unit in {"", _INIT_SCOPE}:
            return ServiceName(f"user@{uid}.service")
        return ServiceName(unit, uid) if is_service_unit(unit) else None
    openrc = re.match(_OPENRC, cgroup)
    if openrc is not None:
        return ServiceName(openrc[1])
    unit = _first_unit(cgroup.removeprefix("/"))
    return ServiceName(unit) if is_service_unit(unit) else None


def _first_unit(path: str) -> str:
    """Return the first directory in a path that is no slice, unescaped; "" if there is none."""
    directories = (directory for directory in path.split("/") if not directory.endswith(".slice"))
    # cg_escape() of systemd puts "_" before names that the kernel may use for its own files, such as cpu.service
    return next(directories, "").removeprefix("_")
