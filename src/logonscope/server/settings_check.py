"""Dry-run validation of the settings (``serve --check``): it writes nothing, and does not listen.

The start of the server uses ``check_history`` and ``warnings``, too.
"""

import grp
import os
import ssl
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace

from logonscope.dispatch.pushes import PushPolicy
from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError
from logonscope.server import listening_sockets
from logonscope.server.auth.local_accounts import ADMINISTRATORS
from logonscope.server.auth.token_file import TokenFile
from logonscope.server.auth.user_file import UserFile
from logonscope.server.auth.user_line import User
from logonscope.server.certificate import (
    describe_certificate,
    existing_certificate_path,
    public_certificate_path,
    request_client_certificates,
    tls_context,
)
from logonscope.server.client_tls import ClientTls, TlsFileError
from logonscope.server.configuration import Settings
from logonscope.server.sinks.settings_check import check_sink

PAM_FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d")
SYSTEMD_FOLDERS = ("/run/logonscope", "/var/log/logonscope")
"""Directories that systemd creates for the packaged service."""


def check_settings(settings: Settings, service_folders: Sequence[str] = SYSTEMD_FOLDERS) -> list[str]:
    """Return a description of what the server would do with these settings, and warnings, a line each.

    Args:
        settings: the settings of the server.
        service_folders: directories that may be missing, because they are created when the service starts.

    Raises:
        LogonscopeError: the server could not start with them, or could not use a part of them, such as the token file.
    """
    urls = ", ".join(map(str, settings.listen))
    lines = [f"listen: {urls}", *listening_sockets.check_listeners(settings.listen, service_folders)]
    if settings.certificate or any(listener.tls for listener in settings.listen):
        lines.append(_certificate(settings))
    if settings.client_ca:  # its file is checked even if no listener uses TLS
        request_client_certificates(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings.client_ca)
    check_history(settings)
    users = UserFile(settings.users).users()
    # PAM does not report an unknown service: it silently uses the one named `other`.
    if settings.pam and not any(os.path.exists(f"{folder}/{settings.pam}") for folder in PAM_FOLDERS):
        raise InvalidParameterError(
            f"unknown PAM service '{settings.pam}': PAM would use `other`",
            f"create {PAM_FOLDERS[0]}/{settings.pam}, or give --pam ''",
        )
    tokens = TokenFile(settings.tokens).tokens()
    ntlm_users = sum(user.nt_hash is not None for user in users)
    lines.append(f"users: {len(users)} in {settings.users}, {ntlm_users} with NTLM")
    lines.append(f"tokens: {len(tokens)} in {settings.tokens}")
    lines.append(f"PAM: service {settings.pam}" if settings.pam else "PAM: off")
    lines.append(_kerberos(settings))
    lines.append(f"client certificates: {settings.client_ca or 'off'}")
    lines.append(f"methods: {'on' if settings.allow_methods else 'off'}")
    lines += _push(settings)
    lines += map(check_sink, settings.sinks)
    if settings.audit_log not in {"", "-"}:
        _check_audit_log(settings.audit_log, service_folders)
        lines.append(f"audit log: {settings.audit_log}")
    return lines + [f"warning: {warning}" for warning in warnings(settings, users)]


def _push(settings: Settings) -> Iterator[str]:
    """Check the settings of pushed subscriptions; yield a line about the servers of `push_to`, if it has any.

    Raises:
        InvalidParameterError: an address of `push_to` is invalid, or a file of certificates cannot be used.
    """
    PushPolicy(settings.push_to)
    try:
        ClientTls(settings.push_ca, settings.push_client_certificate).make_context()
    except TlsFileError as error:
        hint = "correct push_ca or push_client_certificate, or the permissions of the file"
        raise InvalidParameterError(str(error), hint) from None
    if settings.push_to:
        yield f"events may be sent to: {', '.join(settings.push_to)}, trusting {settings.push_ca or 'the system'}"


def check_history(settings: Settings) -> None:
    """Check that `live` is not off if a history is kept: the history is written from the events of the live source.

    Raises:
        InvalidParameterError: `history` is on, and `live` is off.
    """
    if settings.history and settings.live == "false":
        raise InvalidParameterError("history = true needs the events of this machine", 'set live = "auto"')


def warnings(settings: Settings, users: Sequence[User]) -> Iterator[str]:
    """Yield warnings about likely mistakes in the settings, and about what gives users more access than by default."""
    if not (
        users
        or settings.pam
        or settings.keytab
        or settings.client_ca
        or _has_tokens(settings.tokens)
        or all(listener.path for listener in settings.listen)
    ):
        yield f"no client can authenticate over the network: no users in {settings.users}; see `logonscope user add`"
    yield from _plain_listeners(settings, users)
    for name, path in _secret_files(settings):
        if mode := _shared_mode(path):
            yield f"{name} {path} has mode {mode:o}: other users can access it; use mode 600 or 640"
    if settings.metrics == "loopback":
        yield "metrics = loopback: every user of this host, and every client of a proxy on it, can read /metrics"
    if settings.allow_methods:
        yield (
            "allow_methods: over the network, administrators can end every process and control every service; other "
            "users can end their own processes, and control services as systemd permits them"
        )
    for name in settings.administrators:
        # a distribution has only one of the default groups, sudo or wheel: a missing one is no mistake
        if name not in ADMINISTRATORS and not _is_group(name):
            yield f"administrators: unknown group '{name}'"


def _has_tokens(path: str) -> bool:
    """Return whether a token file has tokens; as in the server, an invalid file has none."""
    try:
        return bool(TokenFile(path).tokens())
    except LogonscopeError:
        return False


def _plain_listeners(settings: Settings, users: Sequence[User]) -> Iterator[str]:
    """Yield a warning about listeners where users without NTLM cannot authenticate: Basic needs TLS or loopback."""
    plain = [str(listener) for listener in settings.listen if not (listener.path or listener.tls or listener.loopback)]
    password_users = sum(user.nt_hash is None for user in users) if settings.negotiate else len(users)
    if plain and (password_users or settings.pam):
        affected = f"{password_users} of {len(users)} users" if password_users else "PAM users"
        yield f"{', '.join(plain)}: {affected} cannot authenticate, passwords need TLS; use https://, or --ntlm users"


def _secret_files(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return the files with a secret: a name for the secret, and the path of the file."""
    files = [
        ("private key", settings.key or settings.certificate),
        ("keytab", settings.keytab),
        ("client certificate", settings.push_client_certificate),
    ]
    for sink in settings.sinks:
        files += [
            ("signing key", sink.secret_file),
            ("bearer token", sink.token_file),
            ("client certificate", sink.client_certificate),
        ]
    return ((name, path) for name, path in files if path)


def _shared_mode(path: str) -> int:
    """Return the mode of a file if others can access it, or its group can write it; else 0."""
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
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
    """Describe the certificate; check that a missing one could be created.

    Raises:
        LogonscopeError: the certificate cannot be used or created.
    """
    self_signed_path = "" if settings.certificate else existing_certificate_path(settings.state)
    if not (settings.certificate or self_signed_path):
        # the server would also create missing parent directories, in the nearest one that exists
        folder = settings.state
        while not os.path.exists(folder):
            folder = os.path.dirname(folder)
        _check_writable(folder, f"cannot write the certificate to {settings.state}", "give --state or --certificate")
        path = public_certificate_path(settings.state)
        return f"certificate: self-signed, to be created at start; clients must trust {path}"
    # with the self-signed certificate as `certificate`, tls_context() only reads it, and writes no public copy
    return describe_certificate(
        tls_context(replace(settings, certificate=settings.certificate or self_signed_path)), settings
    )


def _check_audit_log(path: str, service_folders: Sequence[str]) -> None:
    """Check that the audit log can be written.

    Raises:
        AccessDeniedError, InvalidParameterError: the audit log cannot be written.
    """
    folder, hint = os.path.dirname(path), "give another --audit-log"
    if os.path.isdir(path):
        raise InvalidParameterError(f"cannot write {path}: Is a directory", hint)
    if os.path.exists(folder) or folder not in service_folders:
        _check_writable(path if os.path.exists(path) else folder, f"cannot write {path}", hint)


def _check_writable(path: str, action: str, hint: str) -> None:
    """Check that a file or directory exists and is writable; ``action`` begins the message.

    Raises:
        AccessDeniedError, InvalidParameterError: the file or directory does not exist, or is not writable.
    """
    if not os.path.exists(path):
        raise InvalidParameterError(f"{action}: {path} does not exist", hint)
    if not os.access(path, os.W_OK, effective_ids=True):
        raise AccessDeniedError(f"{action}: no write permission for {path}", f"use sudo, or {hint}")


def _kerberos(settings: Settings) -> str:
    if not settings.keytab:
        return "Kerberos: off"
    from logonscope.server.auth import kerberos  # noqa: PLC0415 -- raises where libkrb5 is not installed

    return f"Kerberos: {', '.join(kerberos.use_keytab(settings.keytab).principals)}"
