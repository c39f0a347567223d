"""How is another machine asked? WS-Management, carried by pypsrp, whose refusals become errors of ours.

Elements are ElementTree's; wire/wsman reads them. A machine of Windows is asked in the same way as one of Logonscope.
"""

import math
import ssl
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeGuard, TypeVar
from urllib.parse import unquote, urlsplit

from logonscope import errors
from logonscope.cim.classes import CIMV2
from logonscope.errors import (
    AccessDeniedError,
    Hint,
    HintCode,
    InvalidParameterError,
    LogonscopeError,
    NotSupportedError,
    TimedOutError,
    TransportFailureError,
)
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ENUMERATION, PORTS, WSMAN
from logonscope.wire.wsman.resource import uri_of
from logonscope.wire.xml import clark, local

try:
    import pypsrp.exceptions
    import requests
    import spnego
    from pypsrp.wsman import SelectorSet, WSMan
    from spnego.exceptions import SpnegoError
except ImportError as missing:
    from logonscope.extras import install_command

    raise NotSupportedError(f"there is no module {missing.name} here", f"run {install_command('remote')}") from missing

MOST_ITEMS = 1000
"""Of one answer."""

ENVELOPE = 512_000
"""Octets: what Windows takes (MaxEnvelopeSizekb)."""

SERVICE = "HTTP"
"""To whom tickets are (RFC 4559 4); those to "host", as pypsrp would have, are for sshd as well."""

PATIENCE, TO_CONNECT, TO_WORK = 90.0, 30.0, 60.0
"""Seconds to wait for an answer: in all, of these for the connection, and the most that the other end may work."""

Result = TypeVar("Result")

_BY_NUMBER = {
    found.number: found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, LogonscopeError) and found is not LogonscopeError
}
_UNREACHABLE = "is `logonscope serve`, or WinRM, running there, and may it be reached?"


class Url(NamedTuple):
    """Where another machine listens, and as whom to come."""

    scheme: str
    host: str
    port: int
    user: str | None

    @property
    def is_private(self) -> bool:
        """Tell whether nobody on the way can read a password."""
        return self.scheme == "https" or self.host in {"localhost", "127.0.0.1", "::1"}


def parse_url(text: str) -> Url:
    """Take a URL apart: ``https://user@host:port``; a password has no place in it.

    Raises:
        InvalidParameterError: it is none, or has a password.
    """
    try:
        found = urlsplit(text)
        port = found.port
    except ValueError:
        raise InvalidParameterError(f"{text[:200]} is no URL", "write https://user@host:5986") from None
    if found.password is not None:
        hint = "others can read arguments: leave it out, and you are asked for it"
        raise InvalidParameterError("there is a password in the URL", hint)
    if found.scheme not in PORTS or not found.hostname or found.path not in {"", "/", "/wsman"} or found.query:
        raise InvalidParameterError(f"{text[:200]} is no URL of a host", "write https://user@host:5986")
    return Url(found.scheme, found.hostname, port or PORTS[found.scheme], unquote(found.username or "") or None)


class Link:
    """A connection that stays open. Several threads can use it: it carries one request at a time."""

    def __init__(
        self, url: Url, password: str | None, certificate: str | None = None, timeout: float | None = None
    ) -> None:
        """Take where to ask; it is connected to with the first question.

        Args:
            url: of the machine.
            password: None: what Kerberos knows.
            certificate: a PEM file to trust; None: those of the system.
            timeout: seconds to wait for one answer; None: 90.

        Raises:
            AccessDeniedError: there is neither a password nor a ticket.
            InvalidParameterError: there is no such certificate, or no such time.
        """
        if certificate is not None:
            _trust(certificate)
        self._patience = PATIENCE if timeout is None else timeout
        if not self._patience > 0:
            raise InvalidParameterError(f"invalid timeout {timeout:g} s", "give seconds above 0")
        self.url, self._password, self._certificate = url, password, certificate
        if password is None:
            self._look_for_ticket()
        # Reentrant: the garbage collector can close an iterator, and so release its enumeration, within a request.
        self._lock = threading.RLock()
        self._ways = self._to_try()
        self._wsman = self._connected(self._ways.pop(0))

    def __repr__(self) -> str:
        return f"<Link {self.url.scheme}://{self.url.host}:{self.url.port}>"

    def close(self) -> None:
        """Close the connection."""
        self._wsman.close()

    def _to_try(self) -> list[str]:
        """Return the ways to come in; those who may not come by NTLM come by Basic where nobody can read it."""
        return ["negotiate", *(["basic"] if self.url.is_private and self._password is not None else [])]

    def _connected(self, way: str) -> WSMan:
        verify: Any = self._certificate or True
        patience: Any = self._patience  # pypsrp's types want an int, requests takes any number
        return WSMan(
            self.url.host, max_envelope_size=ENVELOPE, port=self.url.port, ssl=self.url.scheme == "https", auth=way,
            username=self.url.user, password=self._password, cert_validation=verify,
            operation_timeout=math.ceil(min(TO_WORK, patience)), read_timeout=patience,
            connection_timeout=min(TO_CONNECT, patience),
            encryption="never" if way == "basic" and self.url.scheme == "http" else "auto",
            negotiate_service=SERVICE,
        )  # fmt: skip

    def get(self, uri: str, selectors: Mapping[str, str]) -> Any:
        """Return the element that Get answers."""
        return _only(self._asked(lambda: self._wsman.get(uri, selector_set=_selector_set(selectors))))

    def invoke(self, uri: str, selectors: Mapping[str, str], method: str, parameters: Mapping[str, str]) -> Any:
        """Return the element that a method answers."""
        body = ET.Element(clark(uri, f"{method}_INPUT"))
        for name, value in parameters.items():
            ET.SubElement(body, clark(uri, name)).text = value
        chosen = _selector_set(selectors)
        answer = self._asked(lambda: self._wsman.invoke(f"{uri}/{method}", uri, body, selector_set=chosen))
        found = answer.find(clark(names.SOAP, "Body"))
        return _only(answer if found is None else found)

    def identify(self) -> dict[str, str]:
        """Return what the other end says that it is."""
        body = ET.Element(clark(names.IDENTITY, "Identify"))
        answer = self._asked(lambda: self._wsman.invoke("", "", body))
        return {local(part): part.text or "" for part in answer.iter()}

    def query(self, text: str, namespace: str = CIMV2) -> Iterator[Any]:
        """Yield the items that a WQL query has; whoever stops early lets the other end forget the rest."""
        uri, body = uri_of(namespace), _enumerate()
        ET.SubElement(body, clark(WSMAN, "Filter"), Dialect=names.WQL).text = text
        return self._pulled(uri, body, {})

    def classes(self, pattern: str, namespace: str = CIMV2) -> Iterator[Any]:
        """Yield the definitions of the classes whose name fits a pattern."""
        space = namespace.replace("\\", "/")
        return self._pulled(names.CLASSES, _enumerate(), {names.NAMESPACE: space, "ClassName": pattern})

    def _pulled(self, uri: str, body: ET.Element, selectors: Mapping[str, str]) -> Iterator[ET.Element]:
        chosen = _selector_set(selectors) if selectors else None
        answer = self._asked(lambda: self._wsman.enumerate(uri, body, selector_set=chosen))
        context = _context(answer)
        try:
            yield from _items(answer)
            while context:
                pull = _about(context, "Pull")
                ET.SubElement(pull, clark(ENUMERATION, "MaxElements")).text = str(MOST_ITEMS)
                answer = self._asked(lambda: self._wsman.pull(uri, pull))  # noqa: B023 -- called at once
                ended = answer.find(f".//{clark(ENUMERATION, 'EndOfSequence')}") is not None
                context = "" if ended else _context(answer) or context
                yield from _items(answer)
        finally:
            if context:
                self._released(uri, context)

    def _released(self, uri: str, context: str) -> None:
        with suppress(LogonscopeError):
            self._asked(lambda: self._wsman.invoke(names.RELEASE, uri, _about(context, "Release")))

    def _asked(self, ask: Callable[[], Result]) -> Result:
        """Ask, and say what went wrong in our words; where nobody was let in, the next way is tried."""
        with self._lock:
            return self._asked_alone(ask)

    def _asked_alone(self, ask: Callable[[], Result]) -> Result:
        try:
            return ask()
        except pypsrp.exceptions.AuthenticationError:
            if not self._ways:
                who = self.url.user or "whoever Kerberos knows"
                plain = "" if self.url.scheme == "https" else "; without TLS only those come in who are stored for NTLM"
                hint = Hint(HintCode.USERS_THERE, also=plain)
                raise AccessDeniedError(f"{self.url.host} does not let {who} in", hint) from None
            self._wsman.close()
            self._wsman = self._connected(self._ways.pop(0))
            return self._asked_alone(ask)
        except pypsrp.exceptions.WSManFaultError as error:
            raise _refusal(error) from None
        except (requests.exceptions.RequestException, pypsrp.exceptions.WinRMError, ET.ParseError) as error:
            raise self._failure(error) from None
        except (LookupError, ValueError) as error:  # pypsrp stumbles over what no WinRM would answer
            raise self._failure(ET.ParseError(error)) from None

    def _look_for_ticket(self) -> None:
        """Refuse where a ticket is all that could be shown, and there is none."""
        user, host = self.url.user, self.url.host
        try:
            spnego.client(user, hostname=host, service=SERVICE, protocol="negotiate").step()
        except SpnegoError:
            if user is None:
                hint = f"write {self.url.scheme}://USER@{host}, or set LOGONSCOPE_USER"
                raise AccessDeniedError("no user is named, and there is no Kerberos ticket", hint) from None
            hint = "set LOGONSCOPE_PASSWORD, or run it on a terminal to be asked"
            raise AccessDeniedError(f"there is no password of {user}, and no Kerberos ticket", hint) from None

    def _failure(self, error: Exception) -> LogonscopeError:
        """Return what is wrong with the other end, or with the way to it."""
        where, cause = f"{self.url.host}, port {self.url.port},", _cause(error)
        if isinstance(error, requests.exceptions.Timeout):
            return TimedOutError(f"{where} has not answered within {self._patience:g} s", _UNREACHABLE)
        if isinstance(error, requests.exceptions.SSLError) and "certificate" not in cause:
            return TransportFailureError(f"{where} does not speak TLS as we do: {cause}", "is that the port of https?")
        if isinstance(error, requests.exceptions.SSLError):
            untrusted = f"the certificate of {self.url.host} is not trusted: {cause}"
            return TransportFailureError(untrusted, Hint(HintCode.TRUST_CERTIFICATE))
        return TransportFailureError(f"{where} does not answer: {cause}", _UNREACHABLE)


def _trust(certificate: str) -> None:
    try:
        ssl.create_default_context(cafile=certificate)
    except OSError as error:
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidParameterError(f"cannot trust {certificate}: {reason}", "give a PEM file") from None


def _cause(error: Exception) -> str:
    """Return what went wrong at the bottom of it, without the names of the library's objects."""
    if isinstance(error, pypsrp.exceptions.WinRMTransportError):
        return f"status {error.code}, with no message of WS-Management"
    if isinstance(error, ET.ParseError):
        return "what comes is no message of WS-Management"
    reason: BaseException = error
    while inner := next((one for one in (getattr(reason, "reason", None), *reason.args) if _is_cause(one)), None):
        reason = inner
    text = str(reason).rpartition("] ")[2].partition(" (_ssl.c")[0]
    return text if "(" in text else text.removesuffix(")")  # urllib3 puts the resolver's words in brackets


def _is_cause(one: object) -> TypeGuard[BaseException]:
    return isinstance(one, BaseException)


def _refusal(error: "pypsrp.exceptions.WSManFaultError") -> LogonscopeError:
    kind = _BY_NUMBER.get(error.code or 0, LogonscopeError)
    message, _, hint = (error.reason or str(error)).partition("; ")
    return kind(message.strip(), hint.strip())


def _enumerate() -> ET.Element:
    body = ET.Element(clark(ENUMERATION, "Enumerate"))
    ET.SubElement(body, clark(WSMAN, "OptimizeEnumeration"))
    ET.SubElement(body, clark(WSMAN, "MaxElements")).text = str(MOST_ITEMS)
    return body


def _about(context: str, verb: str) -> ET.Element:
    body = ET.Element(clark(ENUMERATION, verb))
    ET.SubElement(body, clark(ENUMERATION, "EnumerationContext")).text = context
    return body


def _context(answer: ET.Element) -> str:
    return (answer.findtext(f".//{clark(ENUMERATION, 'EnumerationContext')}") or "").strip()


def _items(answer: ET.Element) -> Iterator[ET.Element]:
    for holder in (clark(WSMAN, "Items"), clark(ENUMERATION, "Items")):
        yield from answer.iterfind(f".//{holder}/*")


def _only(body: ET.Element) -> ET.Element:
    found = next(iter(body), None)
    if found is None:
        raise TransportFailureError("the answer is empty", "is the other end a WMI host?")
    return found


def _selector_set(selectors: Mapping[str, str]) -> SelectorSet:
    made = SelectorSet()
    for name, value in selectors.items():
        made.add_option(name, value)
    return made
