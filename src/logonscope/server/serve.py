"""What is behind `logonscope serve`? Settings become a gate, a service and an application, and that is run."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from logonscope.broker import Caller
from logonscope.errors import InvalidParameterError
from logonscope.facts import Source
from logonscope.server import life
from logonscope.server.audit import AUDIT, Appender, Audit
from logonscope.server.auth.accounts import account
from logonscope.server.auth.gate import Gate
from logonscope.server.auth.negotiate import Tickets
from logonscope.server.auth.passwords import Check, Passwords, bare
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.users import UserFile
from logonscope.server.certificate import tls_context
from logonscope.server.config import Settings
from logonscope.server.contexts import Contexts
from logonscope.server.http import Doors, application
from logonscope.server.metrics import Metrics
from logonscope.server.wsman import Service

PAM_FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d")

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


def check(settings: Settings) -> list[str]:
    """Try everything that serving needs but listening, and say what would be done.

    Raises:
        LogonscopeError: something of it cannot be done.
    """
    said = [f"listens on {', '.join(map(str, settings.listen))}"]
    if any(listener.tls for listener in settings.listen):
        said.append(f"certificate with SHA-256 fingerprint {tls_context(settings).fingerprint}")
    users = UserFile(settings.users).users()
    if settings.pam and not any(os.path.exists(f"{folder}/{settings.pam}") for folder in PAM_FOLDERS):
        raise InvalidParameterError(
            f"PAM has no service {settings.pam}, and would take `other` for it", "make its file, or give --pam ''"
        )
    said.append(f"{len(users)} users in {settings.users}, {sum(user.nt_hash is not None for user in users)} with NTLM")
    said.append(f"passwords are asked of PAM's service {settings.pam}" if settings.pam else "no passwords by PAM")
    said.append(_kerberos(settings))
    said.append("methods may be run" if settings.allow_methods else "methods are off")
    return said


def made_doors(source: Source, settings: Settings, local: Callable[[int], Caller]) -> Doors:
    """Return what the application is made of; the arguments are those of ``serve``.

    Raises:
        LogonscopeError: what was told cannot be done.
    """
    users = UserFile(settings.users, report=lambda error: _log.error("%s", error))
    users.users()  # a file that is broken now is no file to start with
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


def _kerberos(settings: Settings) -> str:
    if not settings.keytab:
        return "no Kerberos"
    from logonscope.server.auth import kerberos  # noqa: PLC0415 -- refuses where there is no libkrb5

    return f"Kerberos as {', '.join(kerberos.keytab(settings.keytab).principals)}"


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
