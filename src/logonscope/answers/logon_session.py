"""LogonSession: one login and all processes that it started."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from logonscope.answers.logon_usage import LogonUsage
from logonscope.display import field_values, short_row_repr, value_table

LOGON_TYPES: Mapping[int, str] = {
    0: "System", 2: "Interactive", 3: "Network", 4: "Batch", 5: "Service", 6: "Proxy", 7: "Unlock",
    8: "NetworkCleartext", 9: "NewCredentials", 10: "RemoteInteractive", 11: "CachedInteractive",
    12: "CachedRemoteInteractive", 13: "CachedUnlock",
}  # fmt: skip
"""The documented values of LogonType."""

IPV4_FORM = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
"""Pattern of a remote host that is an IPv4 address, and no name."""


Detail = Literal["origin", "authentication", "usage"]
Details = frozenset[Detail]
"""Parts of a logon session that are read only if they are requested.

origin: the address and port of the client, from the socket of the leader. If the login record has no address, most
operations read the origin without a request, too. authentication: what sshd logged. usage: the sums of the resources
that the processes of the logon session use.
"""

NO_DETAILS: Details = frozenset()
ALL_DETAILS: Details = frozenset({"origin", "authentication", "usage"})


class LogonSession(NamedTuple):
    """A logon session: one login and all processes that it started. None: the value is unknown, or absent.

    The fields from ``authentication_method`` to ``authentication_source`` are read only with the detail
    "authentication".

    Attributes:
        logon_id: the LogonId, in decimal digits.
        uid: the login uid; None for the System session.
        logon_type: as Win32_LogonSession.LogonType.
        start: the time of the login, with a time zone.
        state: active, online, closing, lingering, logged out.
        service: the PAM service: sshd, login, cron, ...
        login_class: the class that logind gave to the login: user, greeter, manager, background, ...
        leader: the pid of the process that logged in.
        login: the id that the login service gave to the login.
        recorded_by: the login service that has a record of the login.
        processes: the number of its processes that the caller may see; None if not counted.
        leftovers: if the logon session is logged out, the same number as ``processes``; if it is not, 0; None: the
            processes were not counted, or it is unknown whether the logon session is logged out.
        guid: its permanent, unique name.
        join_evidence: what shows the id that the kernel has for the login (``logon_id``, unless the login inherited the
            id): record (the login record names the id), leader (the leader has the id), scope (all processes of the
            scope have the id; without a record also: the name of the scope has it), remembered (an earlier request
            joined id and login); None: no login is known, or the id is not known.
        start_is_approximate: there is no login record: ``start`` is the start of the earliest process whose parent is
            outside the logon session, and changes when that process ends.
        container_id: the container in which the logon session began.
        container_runtime: the engine of that container: docker, podman, containerd, cri-o, kubernetes, lxc, nspawn.
        pod_uid: the Kubernetes pod of that container.
        is_foreign: whether ``uid`` does not belong to this host, but to a container or another root directory.
        remote_address: the IP address of the client.
        remote_port: the port of the client; read with the detail "origin", or if the record has no address.
        authentication_method: in sshd's words: publickey, password, keyboard-interactive/pam, ...
        key_type: ED25519, RSA-CERT, ...
        key_fingerprint: the fingerprint of the ssh key: SHA256:...
        certificate_authority: the fingerprint of the key that signed the certificate.
        authentication_source: the log: "journal"; or a file and "unauthenticated", because every user can add lines to
            it through syslog(3), such as "/var/log/auth.log, unauthenticated" or "/var/log/secure.1, unauthenticated".
        sources: the source of each value, by the name of the field.
        usage: the resources of its processes; only with the detail "usage".
    """

    logon_id: str
    user: str | None = None
    uid: int | None = None
    logon_type: int | None = None
    logon_type_name: str | None = None
    authentication_package: str | None = None
    start: datetime | None = None
    state: str | None = None
    seat: str | None = None
    vt: int | None = None
    tty: str | None = None
    remote_host: str | None = None
    remote_user: str | None = None
    service: str | None = None
    login_class: str | None = None
    leader: int | None = None
    scope: str | None = None
    login: str | None = None
    recorded_by: str | None = None
    processes: int | None = None
    leftovers: int | None = None
    guid: str | None = None
    join_evidence: str | None = None
    start_is_approximate: bool = False
    container_id: str | None = None
    container_runtime: str | None = None
    pod_uid: str | None = None
    is_foreign: bool = False
    remote_address: str | None = None
    remote_port: int | None = None
    authentication_method: str | None = None
    key_type: str | None = None
    key_fingerprint: str | None = None
    certificate_id: str | None = None
    certificate_serial: int | None = None
    certificate_authority: str | None = None
    authentication_source: str | None = None
    sources: Mapping[str, str] = {}
    usage: LogonUsage | None = None

    def __hash__(self) -> int:
        # ``sources`` has no hash. A hash of these two fields is enough, because they are equal in equal rows.
        return hash((self.logon_id, self.start))

    def __repr__(self) -> str:
        return short_row_repr(self, ("logon_id", "user", "logon_type_name", "remote_host", "state"))

    def _repr_html_(self) -> str:
        rows = [(name, value, self.sources.get(name)) for name, value in field_values(self, excluded_name="sources")]
        return value_table(f"logon session {self.logon_id}", ("field", "value", "source"), rows)
