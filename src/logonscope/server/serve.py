"""What is behind `logonscope serve`? Settings become a gate, a service and an application, and that is run."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from logonscope.broker import Caller
from logonscope.machine import Source
from logonscope.server import life
from logonscope.server.audit import AUDIT, Appender, Audit
from logonscope.server.auth.accounts import account
from logonscope.server.auth.gate import Gate
from logonscope.server.auth.negotiate import Tickets
from logonscope.server.auth.passwords import Check, Passwords, bare
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.users import UserFile
from logonscope.server.check import warnings
from logonscope.server.config import Settings
from logonscope.server.contexts import Contexts
from logonscope.server.http import Doors, application
from logonscope.server.metrics import Metrics
from logonscope.server.wsman import Service

_log = logging.getLogger(__name__)
_audit_log = logging.getLogger(AUDIT)


def serve(source: Source, settings: Settings, local: Callable[[int], Caller]) -> None:
    """Serve until told to stop.

    Args:
        source: what is told of.
        settings: what was told.
        local: says who somebody on this machine is, by uid.

    Raises:
        LogonscopeError: what was told cannot be done.
    """
    life.configure_log(settings)
    doors = made_doors(source, settings, local)
    life.run(application(doors), settings, on_stop=doors.service.contexts.close)


def made_doors(source: Source, settings: Settings, local: Callable[[int], Caller]) -> Doors:
    """Return what the application is made of; the arguments are those of ``serve``.

    Raises:
        LogonscopeError: what was told cannot be done.
    """
    users = UserFile(settings.users, report=lambda error: _log.error("%s", error))
    for what in warnings(settings, known=bool(users.users())):  # a file that is broken now is no file to start with
        _log.warning("%s", what)
    audit = Audit(_writer(settings.audit_log), lambda: datetime.now().astimezone()) if settings.audit_log else None
    passwords = Passwords(_checks(settings, users), Throttle(), version=lambda: users.version)
    lookup = (lambda name: users.lookup(bare(name))) if settings.negotiate else None
    gate = Gate(passwords, lookup, local, audit, _tickets(settings, users) if settings.keytab else None)
    contexts = Contexts(settings.contexts, settings.contexts_per_caller, float(settings.context_seconds))
    service = Service(
        source, contexts, settings.allow_methods, settings.max_envelope, float(settings.operation_timeout), audit
    )
    pool, entrance = ThreadPoolExecutor(settings.workers, "answer"), ThreadPoolExecutor(settings.workers, "entrance")
    metrics = Metrics(source) if settings.metrics else None
    return Doors(gate, service, pool, entrance, settings.max_request, metrics, settings.metrics == "loopback")


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
