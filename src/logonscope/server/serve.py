"""Composition of the server: builds authenticator, dispatcher and application from the settings, and runs them."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from logonscope.answers.host_identity import HostIdentity
from logonscope.broker import Caller
from logonscope.dispatch.audit import AUDIT_LOGGER, Audit, LogFile
from logonscope.dispatch.dispatcher import Dispatcher
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.dispatch.pushes import PushPolicy
from logonscope.machine import Ownership, Source
from logonscope.server import logs, server
from logonscope.server.auth.authenticator import Authenticator
from logonscope.server.auth.caller_validity import CallerValidity
from logonscope.server.auth.local_accounts import find_account
from logonscope.server.auth.negotiate import KerberosSettings
from logonscope.server.auth.page_sessions import PageSessions
from logonscope.server.auth.passwords import PasswordBackend, Passwords, strip_domain
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.token_file import TokenFile
from logonscope.server.auth.user_file import UserFile
from logonscope.server.client_tls import ClientTls
from logonscope.server.configuration import Settings
from logonscope.server.http import HttpDoor, ServerParts, application
from logonscope.server.json import JSON_PATHS, JsonDoor
from logonscope.server.json_events import QUERIES
from logonscope.server.json_schemas import documents
from logonscope.server.metrics import ADMINISTRATOR, Metrics
from logonscope.server.origin_policy import OriginPolicy
from logonscope.server.page import load_page
from logonscope.server.page_sign_in import page_routes
from logonscope.server.push_tasks import PushTasks
from logonscope.server.settings_check import warnings
from logonscope.server.sinks.sinks import Sinks
from logonscope.server.worker_pool import WorkerPool
from logonscope.server.wsman import ANONYMOUS_HEADER, ANONYMOUS_PATHS, WSMAN_PATHS, WsmanDoor
from logonscope.wire.wsman import message_encryption

DOORS = (
    HttpDoor(
        WsmanDoor(),
        WSMAN_PATHS,
        message_encryption,
        ANONYMOUS_HEADER,
        accepts_empty_requests=True,
        anonymous_paths=ANONYMOUS_PATHS,
    ),
    HttpDoor(JsonDoor(), JSON_PATHS, documents=documents(), has_faults_for_http=True, queries=QUERIES),
)
"""The protocols over HTTP. pypsrp and pywinrm authenticate a connection by an empty WS-Management request."""

PUSH_WORKERS = 16
"""Threads that send events to addresses of subscribers; at most a quarter of them for one receiver of one caller."""

_log = logging.getLogger(__name__)
_audit_log = logging.getLogger(AUDIT_LOGGER)


class ServedHost(NamedTuple):
    """The host that the server answers for."""

    source: Source
    ownership: Ownership
    caller_of_uid: Callable[[int], Caller]  # returns the caller for a uid of this machine, for unix sockets


def serve(host: ServedHost, settings: Settings, page_folder: str = "") -> None:
    """Run the server until a signal stops it.

    Args:
        host: the host that is served.
        settings: the settings of the server.
        page_folder: the folder with the program and the styles of the page; "": no page is served.

    Raises:
        LogonscopeError: the server cannot start with these settings.
    """
    logs.configure_log(settings)
    parts = build_server_parts(host, settings, page_folder)
    sinks = _start_sinks(parts, settings)

    def begin_stop() -> None:
        # the sinks and the open requests end at the same time: their times must not add up
        sinks.begin_stop()
        parts.begin_stop()

    try:
        server.run(application(parts), settings, on_stop=begin_stop, is_stuck=parts.are_stuck)
    finally:
        parts.stop()
        sinks.stop()


def _start_sinks(parts: ServerParts, settings: Settings) -> Sinks:
    """Start the sinks, and show them in the metrics and in ``doctor``."""
    dispatcher, metrics = parts.dispatcher, parts.metrics
    make_request = partial(dispatcher.request, ADMINISTRATOR)
    host = HostIdentity.from_machine(make_request().machine) if settings.sinks else HostIdentity("")
    sinks = Sinks(settings.sinks, settings.state, host, make_request)
    dispatcher.source.service_checks = (*dispatcher.source.service_checks, sinks.checks)
    if metrics is not None:
        metrics.add_sinks(sinks.statuses)
    sinks.start()
    return sinks


def build_server_parts(host: ServedHost, settings: Settings, page_folder: str = "") -> ServerParts:
    """Build the parts of the application; the arguments are those of ``serve``.

    Raises:
        LogonscopeError: the server cannot start with these settings.
    """
    users = UserFile(settings.users, report=partial(_log.error, "%s"))
    # users.users() raises for an invalid file: the server does not start with it. If the file becomes invalid later,
    # the server goes on with the last valid content.
    for warning in warnings(settings, users.users()):
        _log.warning("%s", warning)
    audit = Audit(_audit_writer(settings.audit_log), _local_time) if settings.audit_log else None
    backends = _password_backends(settings, users)
    passwords = Passwords(backends, Throttle(), version=partial(attrgetter("version"), users))
    lookup = partial(_look_up_user, users) if settings.negotiate else None
    find_permitted_account = _account_finder(settings, users)
    kerberos = _kerberos_settings(settings.keytab, users, find_permitted_account) if settings.keytab else None
    sessions = PageSessions(users.find, find_permitted_account)
    authenticator = Authenticator(
        passwords, lookup, host.caller_of_uid, audit, kerberos,
        requires_binding=settings.channel_binding == "required",
        has_ntlm_users=users.has_ntlm_users, find_token=TokenFile(settings.tokens, report=partial(_log.error,
        "%s")).find_caller, find_certificate_user=partial(_find_certificate_user, users, find_permitted_account),
        find_session=sessions.find_caller, make_check=partial(_caller_check, users, find_permitted_account),
    )  # fmt: skip
    dispatcher = _dispatcher(host, settings, audit)
    pool, password_pool = WorkerPool(settings.workers, "answer"), WorkerPool(settings.workers, "password")
    pushes = PushTasks(PUSH_WORKERS, settings.push_to)
    dispatcher.source.service_checks = (*dispatcher.source.service_checks, pushes.receivers.checks)
    metrics = Metrics(partial(dispatcher.request, ADMINISTRATOR)) if settings.metrics else None
    if metrics is not None:
        metrics.add_subscriptions(dispatcher.watches.statuses, pushes.receivers.statuses)
    is_open_on_loopback = settings.metrics == "loopback"
    # Browsers may use the page and the JSON API only from allowed origins and under allowed names of the server.
    policy = OriginPolicy(settings.hosts, settings.origins)
    parts = ServerParts(
        authenticator,
        dispatcher,
        _doors(settings, policy),
        pool,
        password_pool,
        settings.max_request,
        metrics,
        is_open_on_loopback,
        sessions,
        pushes,
    )
    if not page_folder:
        return parts
    return parts._replace(routes=page_routes(parts, load_page(page_folder), policy))


def _doors(settings: Settings, policy: OriginPolicy) -> tuple[HttpDoor, ...]:
    """Return the protocols with their settings."""
    wsman, json = DOORS
    push_tls = ClientTls(settings.push_ca, settings.push_client_certificate)
    # Clients of WinRM call the server by any name.
    any_name_policy = OriginPolicy(None, settings.origins)
    return wsman._replace(door=WsmanDoor(push_tls), admission=any_name_policy), json._replace(admission=policy)


def _dispatcher(host: ServedHost, settings: Settings, audit: Audit | None) -> Dispatcher:
    enumerations = Enumerations(settings.contexts, settings.contexts_per_caller, float(settings.context_seconds))
    limits = Limits(settings.max_envelope, float(settings.operation_timeout))
    return Dispatcher(
        host.source, host.ownership, enumerations, limits, allow_methods=settings.allow_methods, audit=audit,
        subscription_seconds=float(settings.subscription_seconds), push_policy=PushPolicy(settings.push_to),
    )  # fmt: skip


def _password_backends(settings: Settings, users: UserFile) -> list[PasswordBackend]:
    """Return the password backends in their order: the user file, then PAM if it is set."""
    backends, groups = [PasswordBackend(users.verify)], frozenset(settings.administrators)
    if settings.pam:
        from logonscope.server.auth import pam  # noqa: PLC0415 -- raises where libpam is not installed

        verify = partial(pam.verify, service=settings.pam, administrators=groups)
        backends.append(PasswordBackend(partial(_find_unlocked, users, verify), partial(_refresh_account, groups)))
    return backends


def _refresh_account(administrators: frozenset[str], caller: Caller) -> Caller | None:
    """Return a caller with the current rights of the account; None if the account no longer exists."""
    return find_account(caller.name, administrators)


def _look_up_user(users: UserFile, name: str) -> tuple[Caller, bytes] | None:
    """Return the caller and the NT hash of a user, whose name may have a domain; None: no such user, or no hash."""
    return users.lookup(strip_domain(name))


def _kerberos_settings(
    keytab: str, users: UserFile, find_by_account: Callable[[str], Caller | None]
) -> KerberosSettings:
    """Return the settings for Kerberos; ``find_by_account`` finds the callers that are not in the user file."""
    from logonscope.server.auth import kerberos  # noqa: PLC0415 -- raises where libkrb5 is not installed

    return kerberos.kerberos_settings(kerberos.use_keytab(keytab), users.find, find_by_account)


def _account_finder(settings: Settings, users: UserFile) -> Callable[[str], Caller | None]:
    """Return a function that returns the caller of an account's name; None: no account of this name may log in."""
    administrators = frozenset(settings.administrators)
    if not settings.pam:
        return partial(_find_unlocked, users, partial(find_account, administrators=administrators))
    from logonscope.server.auth import pam  # noqa: PLC0415 -- raises where libpam is not installed

    return partial(_find_unlocked, users, partial(pam.admit, service=settings.pam, administrators=administrators))


def _find_unlocked(
    users: UserFile, find_by_account: Callable[..., Caller | None], name: str, *password: str
) -> Caller | None:
    """Return the caller that ``find_by_account`` returns; None: there is none, or the user file locks the name."""
    caller = None if users.is_locked(name) else find_by_account(name, *password)
    # PAM can map the name to that of another account
    return None if caller is None or users.is_locked(caller.name) else caller


def _find_certificate_user(
    users: UserFile, find_by_account: Callable[[str], Caller | None], name: str
) -> Caller | None:
    """Return the caller that a certificate names: a user of the user file, or an account; None: neither may log in."""
    user = users.find(name)
    return find_by_account(name) if user is None else user.caller


def _caller_check(
    users: UserFile, find_by_account: Callable[[str], Caller | None], caller: Caller
) -> Callable[[], bool]:
    """Return a function that checks, at each call, whether a caller may still get the rest of an answer."""
    return CallerValidity(caller, users.find, find_by_account).is_valid


def _audit_writer(audit_log: str) -> Callable[[str], None]:
    return LogFile(audit_log) if audit_log != "-" else partial(_audit_log.info, "%s")


def _local_time() -> datetime:
    return datetime.now().astimezone()
