"""Logon sessions: one act of logging in and everything it started."""

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


Detail = Literal["origin", "authentication", "usage"]
Details = frozenset[Detail]
"""What is read of a logon session only if it is asked for.

origin: the address and port of the client, from the socket of the leader; authentication: what sshd logged; usage: the
sums of the resources of its processes.
"""

NO_DETAILS: Details = frozenset()
ALL_DETAILS: Details = frozenset({"origin", "authentication", "usage"})


class LogonSession(NamedTuple):
    """One act of logging in and everything it started. None: unknown, or absent."""

    logon_id: str  # always decimal
    user: str | None = None
    uid: int | None = None  # login uid; None for the System session
    logon_type: int | None = None  # as Win32_LogonSession.LogonType
    logon_type_name: str | None = None
    authentication_package: str | None = None
    start: datetime | None = None  # with offset
    state: str | None = None  # active, online, closing, lingering, logged out
    seat: str | None = None
    vt: int | None = None
    tty: str | None = None
    remote_host: str | None = None
    remote_user: str | None = None
    service: str | None = None  # PAM service
    login_class: str | None = None  # user, greeter, manager, background, ...
    leader: int | None = None  # pid
    scope: str | None = None
    login: str | None = None  # the login service's own id
    vouched_by: str | None = None  # the login service that has a record of it
    processes: int | None = None  # None if not counted
    leftovers: int | None = None  # None if unknown, or not counted
    guid: str | None = None  # constant, and never given to another logon session
    join_evidence: str | None = None  # what its login was matched by: record, leader, scope, remembered
    start_is_approximate: bool = False  # no record has it: it may change when the earliest process ends
    container_id: str | None = None  # of the container that it began in
    container_runtime: str | None = None  # docker, podman, containerd, cri-o, kubernetes, lxc, nspawn
    pod_uid: str | None = None  # of the Kubernetes pod of that container
    is_foreign: bool = False  # uid does not belong to this host, but to a container or another root directory
    remote_address: str | None = None  # of the client, an IP address
    remote_port: int | None = None  # of the client; only with the detail "origin"
    # the others only with the detail "authentication"
    authentication_method: str | None = None  # publickey, password, keyboard-interactive/pam, ...: sshd's words
    key_type: str | None = None  # ED25519, RSA-CERT, ...
    key_fingerprint: str | None = None  # SHA256:...
    certificate_id: str | None = None
    certificate_serial: int | None = None
    certificate_authority: str | None = None  # fingerprint of its key
    authentication_source: str | None = None  # "journal", or a file, "unauthenticated": any user can write there
    sources: Mapping[str, str] = {}  # source of each value, by field name
    usage: LogonUsage | None = None  # resources of its processes; only with the detail "usage"

    def __hash__(self) -> int:
        # ``sources`` has no hash. Rows that are equal are equal in these two, which is all that a hash needs.
        return hash((self.logon_id, self.start))

    def __repr__(self) -> str:
        return short_row_repr(self, ("logon_id", "user", "logon_type_name", "remote_host", "state"))

    def _repr_html_(self) -> str:
        rows = [(name, value, self.sources.get(name)) for name, value in field_values(self, excluded_name="sources")]
        return value_table(f"logon session {self.logon_id}", ("field", "value", "source"), rows)
