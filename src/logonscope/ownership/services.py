r"""Services of processes, by their cgroup paths.

systemd places each unit in a directory of its name, below the directories of its slices: the first component of a path
that is no slice names the unit. Directories below it belong to the unit, whatever their names: a service with
delegation makes directories of its own, and these can contain the services of a container. Units of a user's manager
are below user@UID.service, where that user can make directories: a name there is a unit of that user, never of the
system. A scope is no service.

OpenRC names its directories openrc.NAME (cgroup2) or openrc/NAME.
"""

import re
from functools import lru_cache

from logonscope.facts import ServiceName, is_service_unit

_MANAGER = r"/user\.slice/user-([0-9]{1,10})\.slice/user@\1\.service(?:/|$)"
_OPENRC = r"/openrc[./]([A-Za-z0-9_.+-]{1,255})(?:/|$)"
_INIT_SCOPE = "init.scope"
"""The unit of the manager itself: a user's manager is the main process of user@UID.service."""


MAX_KEPT = 1024
"""Maximum number of paths whose services are kept: many processes share a path, and a row can ask for it repeatedly."""


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
    # with systemd, only a unit named openrc in the root slice would have such a path
    openrc = re.match(_OPENRC, cgroup)
    if openrc is not None:
        return ServiceName(openrc[1])
    unit = _first_unit(cgroup.removeprefix("/"))
    return ServiceName(unit) if is_service_unit(unit) else None


def _first_unit(path: str) -> str:
    """Return the first component of a path that is no slice, unescaped; "" if there is no such component."""
    components = (component for component in path.split("/") if not component.endswith(".slice"))
    # cg_escape() of systemd puts "_" before names that the kernel may use for its own files, such as cpu.service
    return next(components, "").removeprefix("_")
