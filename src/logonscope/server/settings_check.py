"""Could the server do what it was told? All is tried that can be without writing anything, or listening."""

import grp
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.server import listening_sockets
from logonscope.server.auth.local_accounts import ADMINISTRATORS
from logonscope.server.auth.user_file import UserFile
from logonscope.server.auth.user_line import User
from logonscope.server.certificate import described, kept, tls_context, trusted
from logonscope.server.configuration import Settings

PAM_FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d")
MADE = ("/run/logonscope", "/var/log/logonscope")
"""Folders that systemd makes for the packaged service, and takes away."""


def check(settings: Settings) -> list[str]:
    """Say what would be done, and what of it may surprise.

    Raises:
        LogonscopeError: something of it cannot be done.
    """
    said = [f"listens on {', '.join(map(str, settings.listen))}", *listening_sockets.tried(settings.listen, MADE)]
    if settings.certificate or any(listener.tls for listener in settings.listen):
        said.append(_certificate(settings))
    users = UserFile(settings.users).users()
    if settings.pam and not any(os.path.exists(f"{folder}/{settings.pam}") for folder in PAM_FOLDERS):
        raise InvalidParameterError(
            f"PAM has no service {settings.pam}, and would take `other` for it", "make its file, or give --pam ''"
        )
    said.append(f"{len(users)} users in {settings.users}, {sum(user.nt_hash is not None for user in users)} with NTLM")
    said.append(f"passwords are asked of PAM's service {settings.pam}" if settings.pam else "no passwords by PAM")
    said.append(_kerberos(settings))
    said.append("methods may be run" if settings.allow_methods else "methods are off")
    if settings.audit_log not in {"", "-"}:
        _audit(settings.audit_log)
        said.append(f"who came in, and who did what, is written to {settings.audit_log}")
    return said + [f"warning: {what}" for what in warnings(settings, users)]


def warnings(settings: Settings, users: Sequence[User]) -> Iterator[str]:
    """Return what was hardly meant so, or may surprise."""
    if not (users or settings.pam or settings.keytab or all(listener.path for listener in settings.listen)):
        yield f"nobody can come in over the network: no users in {settings.users}, no PAM; see `logonscope user add`"
    yield from _open_plainly(settings, users)
    if mode := _readable_key(settings):
        yield f"{settings.key or settings.certificate} has mode {mode:o}: not its owner alone can read the private key"
    if settings.metrics == "loopback":
        yield "metrics = loopback: every user of this machine, and whatever a proxy on it passes on, can read /metrics"
    if settings.allow_methods:
        yield "allow_methods: administrators can end every process over the network, and users their own"
    for name in settings.administrators:
        if name not in ADMINISTRATORS and not _is_group(name):  # of the usual ones each distribution has one
            yield f"administrators: there is no group {name}"


def _open_plainly(settings: Settings, users: Sequence[User]) -> Iterator[str]:
    """Return the listeners over which users without NTLM cannot come in: Basic is for TLS and loopback."""
    plain = [str(listener) for listener in settings.listen if not (listener.path or listener.tls or listener.loopback)]
    without = sum(user.nt_hash is None for user in users) if settings.negotiate else len(users)
    if plain and (without or settings.pam):
        who = f"{without} of {len(users)} users" if without else "users of PAM"
        yield f"{', '.join(plain)}: {who} cannot come in there, their passwords need TLS; give https://, or use --ntlm"


def _readable_key(settings: Settings) -> int:
    """Return the mode of the file of the private key where others can read it, else 0."""
    path = settings.key or settings.certificate
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) if path else 0
    except OSError:
        return 0
    return mode if mode & (stat.S_IWGRP | stat.S_IRWXO) else 0


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except (KeyError, ValueError):
        return False
    return True


def _certificate(settings: Settings) -> str:
    own = "" if settings.certificate else kept(settings.state)
    if not (settings.certificate or own):
        folder = settings.state
        while not os.path.exists(folder):
            folder = os.path.dirname(folder)
        _writable(folder, f"no certificate can be kept in {settings.state}", "give --state or --certificate")
        return f"makes a self-signed certificate at its start; clients are to trust {trusted(settings.state)}"
    return described(tls_context(replace(settings, certificate=settings.certificate or own)), settings)


def _audit(path: str) -> None:
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        raise InvalidParameterError(f"{path} is a directory", "give another --audit-log")
    if os.path.exists(folder) or folder not in MADE:
        _writable(path if os.path.exists(path) else folder, f"{path} cannot be written", "give another --audit-log")


def _writable(path: str, what: str, hint: str) -> None:
    if not os.path.exists(path):
        raise InvalidParameterError(f"{what}: there is no {path}", hint)
    if not os.access(path, os.W_OK, effective_ids=True):
        raise AccessDeniedError(f"{what}: no right to write to {path}", f"use sudo, or {hint}")


def _kerberos(settings: Settings) -> str:
    if not settings.keytab:
        return "no Kerberos"
    from logonscope.server.auth import kerberos  # noqa: PLC0415 -- refuses where there is no libkrb5

    return f"Kerberos as {', '.join(kerberos.keytab(settings.keytab).principals)}"
