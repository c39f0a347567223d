"""Foreign processes and logon sessions: their uids are not uids of this host's accounts.

A process is foreign if its cgroup is a container's. A logon session is foreign if its first process is foreign, or if
its first process has both another pid namespace and another root directory than the host. All processes of a foreign
logon session are foreign. Another pid namespace alone, or another root directory alone, proves nothing: browsers,
flatpaks and build tools use them in logins of this host. A logon session that has a login record of this host, or whose
processes are in a login cgroup, is never foreign.

A container below user@UID.service is the user's own: its processes have that user's uid and subordinate uids. Only the
subordinate uids are foreign. A process there that this host sees with uid 0 runs as root of this host: a user's
container cannot have this uid. The process is there because a user gave a cgroup the name of a container's cgroup, and
ran sudo in it.
"""

import re

from logonscope.facts import Container, Machine, Process
from logonscope.machine import LogonContainer, Owner
from logonscope.ownership import sessions
from logonscope.ownership.containers import container_of_cgroup

# the same uid twice: a user can make directories of any name, but only below the user's own manager
_BELOW_USER_MANAGER = r"/user\.slice/user-([0-9]{1,10})\.slice/user@\1\.service/"


def container(process: Process, machine: Machine) -> Container | None:
    """Return the container that a process is in; None: it is in no container, or its cgroup was not read."""
    return None if process.cgroup is None else container_of_cgroup(process.cgroup, machine.root_cgroup)


def is_uid_of_container(process: Process, uid: int | None, machine: Machine) -> bool:
    """Return whether a uid of a process belongs to the process's container, not to this host."""
    if container(process, machine) is None:
        return False
    match = re.match(_BELOW_USER_MANAGER, process.cgroup or "")
    return match is None or uid not in {0, int(match[1])}


def may_be_foreign(process: Process, owner: Owner, machine: Machine) -> bool:
    """Return whether the logon session of a process may be foreign; then its first process decides.

    A process in the host's own pid namespace and in no container cannot belong to a foreign logon session: no process
    can leave its pid namespace for the one above. A process whose pid namespace could not be read may belong to a
    foreign logon session.
    """
    if owner.evidence != "audit" or sessions.recorded_login(owner) is not None:
        return False
    # 1: the process has a pid in one namespace only, that of /proc
    return process.pid_namespaces != 1 or container(process, machine) is not None


def needs_root_directory(process: Process, machine: Machine) -> bool:
    """Return whether the root directory of this process decides if the logon session that it began is foreign."""
    return _is_nested(process) and container(process, machine) is None


def logon_container(owner: Owner, first: Process, machine: Machine) -> LogonContainer:
    """Return the container that a logon session began in, and whether it is foreign, by its first process.

    If the root directory of the first process is not known, the process counts as one with another root directory.
    """
    if owner.evidence != "audit" or sessions.recorded_login(owner) is not None:
        return LogonContainer()
    first_container = container(first, machine)
    if first_container is not None:
        is_foreign = is_uid_of_container(first, sessions.login_uid(owner, (first,)), machine)
        return LogonContainer(is_foreign, first_container)
    return LogonContainer(_is_nested(first) and first.host_root is not True)


def _is_nested(process: Process) -> bool:
    """Return whether a process is known to be in another pid namespace than /proc."""
    return process.pid_namespaces is not None and process.pid_namespaces > 1
