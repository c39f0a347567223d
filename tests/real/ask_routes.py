"""Questions about logon sessions and processes by every route: run inside the machine, with answers as JSON.

Each route has a host of its own, so that none knows what another has seen. Arguments are the processes to ask for, one
by one, besides the routes that answer with all of them. The answers are

    {"sessions": {ROUTE: {LogonId: {PROPERTY: value}}}, "processes": {ROUTE: {pid: {PROPERTY: value}}}}
"""

import contextlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import logonscope

WIN32, LS = "root/cimv2", "root/logonscope"
SESSION = {
    "user": "User", "uid": "Uid", "logon_type": "LogonType", "authentication_package": "AuthenticationPackage",
    "start": "StartTime", "state": "State", "seat": "Seat", "vt": "VirtualTerminal", "tty": "Terminal",
    "remote_host": "RemoteHost", "remote_user": "RemoteUser", "service": "Service", "login_class": "LoginClass",
    "leader": "LeaderId", "scope": "Scope", "login": "LoginId", "recorded_by": "RecordedBy", "guid": "Guid",
    "processes": "ProcessCount", "leftovers": "LeftoverCount", "join_evidence": "JoinEvidence",
    "start_is_approximate": "StartIsApproximate", "remote_address": "RemoteAddress", "remote_port": "RemotePort",
    "authentication_method": "AuthenticationMethod", "key_type": "KeyType", "key_fingerprint": "KeyFingerprint",
    "certificate_id": "CertificateId", "certificate_serial": "CertificateSerial",
    "certificate_authority": "CertificateAuthority", "authentication_source": "AuthenticationSource",
}  # fmt: skip
"""Fields of a LogonSession and the properties of LS_LogonSession that they are."""

DETAILS: tuple[Literal["origin", "authentication"], ...] = ("origin", "authentication")

PROCESS = {
    "logon_id": "LogonId", "evidence": "Evidence", "user": "User", "uid": "Uid", "login_uid": "LoginUid",
    "start": "StartTime", "leftover": "Leftover", "join_evidence": "JoinEvidence", "logon_guid": "LogonGuid",
    "process_guid": "ProcessGuid",
}  # fmt: skip
"""Fields of a SessionProcess and the properties of LS_SessionProcess that they are."""

Answers = dict[str, dict[str, dict[str, Any]]]


class Routes:
    """All routes, and what they answered."""

    def __init__(self) -> None:
        self.sessions: Answers = defaultdict(dict)
        self.processes: Answers = defaultdict(dict)

    def ask(self, pids: Iterable[int]) -> None:
        """Take every route."""
        self.objects()
        for namespace, prefix in ((WIN32, "Win32"), (LS, "LS")):
            self.classes(namespace, prefix)
        for pid in pids:
            self.one_object(pid)
            for namespace, prefix in ((WIN32, "Win32"), (LS, "LS")):
                self.one_of_a_class(namespace, prefix, pid)
        for logon_id in list(self.sessions["sessions"]):
            with contextlib.suppress(logonscope.NotFoundError):  # it has ended meanwhile
                self.one_session(logon_id)

    def objects(self) -> None:
        """Ask as a Python program, for everything."""
        with logonscope.connect() as host:
            for session in host.sessions(details=DETAILS):
                self.session("sessions", session)
        with logonscope.connect() as host:
            for tree in host.tree():
                self.session("tree", tree.session)
                for process in tree.processes:
                    self.process("tree", process)
        with logonscope.connect() as host:
            for process in host.processes():
                self.process("processes", process)
        with logonscope.connect() as host:
            for process in host.leftovers().processes:
                self.process("leftovers", process)
        with logonscope.connect() as host:
            self.processes["session_processes"] = {str(pid): {"LogonId": own} for pid, own in host.session_processes()}

    def one_object(self, pid: int) -> None:
        """Ask as a Python program, for one process."""
        with logonscope.connect() as host:
            for row in host.whose(pid, DETAILS):
                self.session("whose", row.session)
                self.process("whose", row.process)
        with logonscope.connect() as host:
            answer = host.session_of(pid)
            self.session("session_of", answer.session)
            values = {"LogonId": answer.session.logon_id, "Evidence": answer.evidence}
            self.processes["session_of"][str(pid)] = values

    def one_session(self, logon_id: str) -> None:
        """Ask for one logon session and its processes."""
        with logonscope.connect() as host:
            for session in host.sessions(logon_id, details=DETAILS):
                self.session("sessions of one", session)
        with logonscope.connect() as host:
            for process in host.processes(logon_id):
                self.process("processes of one", process)
        for namespace, prefix in ((WIN32, "Win32"), (LS, "LS")):
            path = f"{prefix}_LogonSession={logon_id}"
            with logonscope.connect() as host:
                self.instances("get", [host.get(path, namespace=namespace)])
            where = f"SELECT * FROM {prefix}_LogonSession WHERE LogonId = '{logon_id}'"
            with logonscope.connect() as host:
                self.instances("query of one", host.query(where, namespace=namespace))
            with logonscope.connect() as host:
                pairs = host.references(path, result_class=f"{prefix}_SessionProcess", namespace=namespace)
                self.instances("references of a session", pairs)
            with logonscope.connect() as host:
                result = f"{prefix}_Process"
                for member in host.associators(path, result_class=result, namespace=namespace):
                    self.processes[f"associators of a session, {prefix}"][member["Handle"]] = {"LogonId": logon_id}

    def classes(self, namespace: str, prefix: str) -> None:
        """Ask as a WMI client, for everything."""
        for name in (f"{prefix}_LogonSession", f"{prefix}_SessionProcess"):
            with logonscope.connect() as host:
                self.instances("enumerate", host.enumerate(name, namespace=namespace))
            with logonscope.connect() as host:
                self.instances("query", host.query(f"SELECT * FROM {name}", namespace=namespace))

    def one_of_a_class(self, namespace: str, prefix: str, pid: int) -> None:
        """Ask as a WMI client, for one process."""
        path, session, pair = f"{prefix}_Process={pid}", f"{prefix}_LogonSession", f"{prefix}_SessionProcess"
        with logonscope.connect() as host:
            pairs = list(host.references(path, result_class=pair, namespace=namespace))
        self.instances("references", pairs)
        with logonscope.connect() as host:
            self.instances("get", [host.get(pairs[0])])
        with logonscope.connect() as host:
            self.instances("associators", host.associators(path, result_class=session, namespace=namespace))
        for text in (f"ASSOCIATORS OF {{{path}}} WHERE ResultClass = {session}",
                     f"REFERENCES OF {{{path}}} WHERE ResultClass = {pair}"):  # fmt: skip
            with logonscope.connect() as host:
                self.instances(text.split(" {")[0], host.query(text, namespace=namespace))

    def instances(self, route: str, rows: Iterable[Any]) -> None:
        """Note instances of the classes of logon sessions and of their pairs with processes."""
        for row in rows:
            way = f"{route}, {row.cim_class.name}"
            values = {name: plain(value) for name, value in row.items()}
            if "LogonId" in values:
                self.sessions[way][values.pop("LogonId")] = values
            else:
                pid = values.pop("Dependent").split('"')[1]
                self.processes[way][pid] = {"LogonId": values.pop("Antecedent").split('"')[1], **values}

    def session(self, route: str, session: Any) -> None:
        """Note a logon session."""
        self.sessions[route][session.logon_id] = dict(renamed(session._asdict(), SESSION))

    def process(self, route: str, process: Any) -> None:
        """Note a process."""
        self.processes[route][str(process.pid)] = dict(renamed(process._asdict(), PROCESS))


def renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a row under the names of the classes."""
    for field, name in names.items():
        yield name, plain(row[field])


def plain(value: Any) -> Any:
    """Return a value as JSON has it: moments in full, references as their paths."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int | str | list | tuple | None) else str(value)


if __name__ == "__main__":
    routes = Routes()
    routes.ask(int(word) for word in sys.argv[1:])
    json.dump({"sessions": routes.sessions, "processes": routes.processes}, sys.stdout)
