"""Elastic Common Schema: documents for Elasticsearch, as Elastic Defend and Auditbeat write them."""

from typing import Any

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.formats.record import Record, is_interactive, utc_text, without_unknown

VERSION = "8.17.0"


def ecs_document(record: Record) -> dict[str, Any]:
    """Return the document of a process, or, for a record without a process, of its logon session."""
    process, session = record.process, record.session
    category = "session" if process is None else "process"
    document = {
        "@timestamp": utc_text(record.time),
        "ecs": {"version": VERSION},
        # A document says that something exists, which is a state; kind "event" is for what happens.
        "event": {"kind": "state", "category": [category], "type": ["info"], "module": "logonscope"},
        "host": {
            "id": record.host.machine_id, "name": record.host.name, "hostname": record.host.name,
            "boot": {"id": record.host.boot_id},
        },
        "process": _process(record, process) if process else {"entry_leader": _entry_leader(record)},
        "user": _user(record),
        "auditd": {"session": None if record.kernel_id is None else str(record.kernel_id)},
        "container": _container(process or session),
        "source": _source(session),
        "logonscope": {"logon": _logon(record)},
    }  # fmt: skip
    cleaned: dict[str, Any] = without_unknown(document)
    return cleaned


def _process(record: Record, process: SessionProcess) -> dict[str, Any]:
    parent = record.parent
    return {
        **_identity(process),
        "executable": process.executable,
        "command_line": process.command_line,
        "parent": {"pid": process.ppid} if parent is None else {
            **_identity(parent), "executable": parent.executable, "command_line": parent.command_line
        },
        "user": _account(process.uid, process.user),
        "entry_leader": _entry_leader(record),
    }  # fmt: skip


def _identity(process: SessionProcess) -> dict[str, Any]:
    return {
        "pid": process.pid, "start": utc_text(process.start), "entity_id": process.process_guid, "name": process.name,
        "interactive": is_interactive(process),
    }  # fmt: skip


def _entry_leader(record: Record) -> dict[str, Any]:
    """Return the process that logged in, as far as it is known; of the System session only the entry type "init"."""
    session, leader = record.session, record.leader
    if record.is_system:
        return {"entry_meta": {"type": "init"}}
    if session is None:
        return {}
    leader_fields = {"pid": session.leader} if leader is None else _identity(leader)
    meta = {"type": entry_type(session), "source": {"ip": session.remote_address}}
    return {**leader_fields, "user": _account(session.uid, session.user), "entry_meta": meta}


def entry_type(session: LogonSession) -> str:
    """Return the kind of a login, as a value of ``process.entry_leader.entry_meta.type``."""
    if session.container_id is not None:
        return "container"
    if session.service == "sshd":
        return "sshd"
    if session.service in {"login", "su", "su-l", "sudo"} or (session.tty or "").startswith("pts/"):
        return "terminal"
    return "console" if session.seat or session.vt else "unknown"


def _user(record: Record) -> dict[str, Any]:
    process, session = record.process, record.session
    session_user = _account(session.uid, session.user) if session else {}
    if process is None:
        return session_user
    login_account = _account(
        process.login_uid, session_user.get("name") if session and session.uid == process.login_uid else None
    )
    return {**_account(process.uid, process.user), "audit": login_account}


def _account(uid: int | None, name: str | None) -> dict[str, Any]:
    # In ECS, ids are keywords: texts, not numbers.
    return {"id": None if uid is None else str(uid), "name": name}


def _container(row: SessionProcess | LogonSession | None) -> dict[str, Any]:
    return {} if row is None else {"id": row.container_id, "runtime": row.container_runtime}


def _source(session: LogonSession | None) -> dict[str, Any]:
    return {} if session is None else {"ip": session.remote_address, "port": session.remote_port}


def _logon(record: Record) -> dict[str, Any]:
    process, session = record.process, record.session
    fields: dict[str, Any] = {"id": record.logon_id}
    if session is not None:
        fields |= {
            "guid": session.guid, "type": session.logon_type, "type_name": session.logon_type_name,
            "start": utc_text(session.start), "state": session.state, "service": session.service,
            "authentication_method": session.authentication_method, "key_fingerprint": session.key_fingerprint,
        }  # fmt: skip
    return fields if process is None else {**fields, "evidence": process.evidence or None, "leftover": process.leftover}
