"""`logonscope serve`: settings become an authenticator, a dispatcher and an application, and that is run."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from logonscope.broker import Caller
from logonscope.dispatch.audit import AUDIT, Appender, Audit
from logonscope.dispatch.dispatcher import Dispatcher
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.machine import Ownership, Source
from logonscope.server import life
from logonscope.server.auth.authenticator import Authenticator
from logonscope.server.auth.local_accounts import account
from logonscope.server.auth.negotiate import Tickets
from logonscope.server.auth.passwords import Check, Passwords, bare
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.user_file import UserFile
from logonscope.server.configuration import Settings
from logonscope.server.http import HttpDoor, Services, application
from logonscope.server.metrics import ADMINISTRATOR, Metrics
from logonscope.server.settings_check import warnings
from logonscope.server.worker_pool import Shares
from logonscope.server.wsman import ANONYMOUS_PATHS, PATHS, UNAUTHENTICATED, WsmanDoor
from logonscope.wire.wsman import message_encryption

DOORS = (
    HttpDoor(WsmanDoor(), PATHS, message_encryption, UNAUTHENTICATED, logs_in_empty=True, open_paths=ANONYMOUS_PATHS),
)
"""The protocols that are spoken over HTTP; pypsrp and pywinrm log in with an empty request."""

_log = logging.getLogger(__name__)
_audit_log = logging.getLogger(AUDIT)


def serve(source: Source, ownership: Ownership, settings: Settings, local: Callable[[int], Caller]) -> None:
    """Serve until a signal stops it.

    Args:
        source: the host that clients ask about.
        ownership: its rules.
        settings: of the server.
        local: returns the caller of a uid of this machine.

    Raises:
        LogonscopeError: a setting cannot be followed.
    """
    life.configure_log(settings)
    services = made_services(source, ownership, settings, local)
    life.run(application(services), settings, on_stop=services.dispatcher.close, is_stuck=services.are_stuck)


def made_services(source: Source, ownership: Ownership, settings: Settings, local: Callable[[int], Caller]) -> Services:
    """Return the parts of the application; the arguments are those of ``serve``.

    Raises:
        LogonscopeError: a setting cannot be followed.
    """
    users = UserFile(settings.users, report=lambda error: _log.error("%s", error))
    for what in warnings(settings, users.users()):  # a file that is broken now is no file to start with
        _log.warning("%s", what)
    audit = Audit(_writer(settings.audit_log), lambda: datetime.now().astimezone()) if settings.audit_log else None
    passwords = Passwords(_checks(settings, users), Throttle(), version=lambda: users.version)
    lookup = (lambda name: users.lookup(bare(name))) if settings.negotiate else None
    tickets = _tickets(settings, users) if settings.keytab else None
    required = settings.channel_binding == "required"
    authenticator = Authenticator(
        passwords, lookup, local, audit, tickets, requires_binding=required, has_ntlm_users=users.has_ntlm_users
    )
    dispatcher = _dispatcher(source, ownership, settings, audit)
    pool, entrance = Shares(settings.workers, "answer"), Shares(settings.workers, "entrance")
    metrics = Metrics(lambda: dispatcher.request(ADMINISTRATOR)) if settings.metrics else None
    within = settings.metrics == "loopback"
    return Services(authenticator, dispatcher, DOORS, pool, entrance, settings.max_request, metrics, within)


def _dispatcher(source: Source, ownership: Ownership, settings: Settings, audit: Audit | None) -> Dispatcher:
    enumerations = Enumerations(settings.contexts, settings.contexts_per_caller, float(settings.context_seconds))
    limits = Limits(settings.max_envelope, float(settings.operation_timeout))
    return Dispatcher(source, ownership, enumerations, limits, allow_methods=settings.allow_methods, audit=audit)


def _checks(settings: Settings, users: UserFile) -> list[Check]:
    checks, groups = [Check(users.verify)], frozenset(settings.administrators)
    if settings.pam:
        from logonscope.server.auth import pam  # noqa: PLC0415 -- refuses where there is no libpam

        verify = partial(pam.verify, service=settings.pam, administrators=groups)
        checks.append(Check(verify, lambda caller: account(caller.name, groups)))
    return checks


def _tickets(settings: Settings, users: UserFile) -> Tickets:
    from logonscope.server.auth import kerberos  # noqa: PLC0415 -- refuses where there is no libkrb5

    who = partial(account, administrators=frozenset(settings.administrators))
    if settings.pam:
        from logonscope.server.auth import pam  # noqa: PLC0415 -- refuses where there is no libpam

        who = partial(pam.admit, service=settings.pam, administrators=frozenset(settings.administrators))
    return kerberos.tickets(kerberos.keytab(settings.keytab), users.find, who)


def _writer(audit_log: str) -> Callable[[str], None]:
    return Appender(audit_log) if audit_log != "-" else lambda line: _audit_log.info("%s", line)
