"""WS-Management client: a connection to a remote host, by pypsrp. Errors of pypsrp become errors of Logonscope.

The client returns XML elements of ElementTree, which wire/wsman and wire/cimxml parse. Windows and Logonscope are
queried in the same way.
"""

import math
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeGuard

from logonscope import errors
from logonscope.cim.classes import CIMV2
from logonscope.client.https_connection import make_context
from logonscope.client.remote_url import Url
from logonscope.errors import (
    AccessDeniedError,
    Hint,
    HintCode,
    LogonscopeError,
    NotSupportedError,
    TimedOutError,
    TransportFailureError,
)
from logonscope.machine import Deadline
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ENUMERATION, WSMAN
from logonscope.wire.wsman.resource import resource_uri
from logonscope.wire.xml import clark_name, local_name

try:
    import pypsrp.exceptions
    import requests
    import spnego
    from pypsrp.wsman import SelectorSet, WSMan
    from spnego.exceptions import SpnegoError
except ImportError as missing:
    from logonscope.extras import install_command

    raise NotSupportedError(f"module {missing.name} is not installed", f"run {install_command('remote')}") from missing

MAX_ITEMS = 1000
"""Maximum number of items in one response."""

MAX_ENVELOPE = 512_000
"""Maximum octets of an envelope: the limit of Windows (MaxEnvelopeSizekb)."""

SERVICE = "HTTP"
"""Kerberos service of the tickets (RFC 4559 4); tickets for "host", pypsrp's default, are valid for sshd too."""

RESPONSE_SECONDS, CONNECT_SECONDS, OPERATION_SECONDS = 90.0, 30.0, 60.0
"""Timeouts in seconds: for the next bytes of a response, for connecting, for the server's work on one request."""

MIN_SECONDS = 0.001
"""Minimum timeout of a request with a deadline: requests rejects 0."""

RELEASE_SECONDS = 2.0
"""Seconds to wait until the rest of a query with a deadline is released."""

_ERROR_CLASSES = {
    error_class.number: error_class
    for error_class in vars(errors).values()
    if isinstance(error_class, type) and issubclass(error_class, LogonscopeError) and error_class is not LogonscopeError
}
_CHECK_SERVER = "check that `logonscope serve` or WinRM runs there, and that no firewall blocks the port"


class WsmanClient:
    """A connection that stays open. Several threads can use it; it carries one request at a time."""

    def __init__(
        self, url: Url, password: str | None, certificate: str | None = None, timeout: float | None = None
    ) -> None:
        """Prepare the connection; the first request connects.

        Args:
            url: the URL of the host.
            password: the password; None: authenticate by Kerberos.
            certificate: a PEM file to trust; None: the certificates of the system.
            timeout: seconds to wait for the next bytes of a response, greater than 0; None: 90.

        Raises:
            AccessDeniedError: there is neither a password nor a Kerberos ticket.
            InvalidParameterError: the certificate cannot be read.
        """
        if certificate is not None:
            make_context(certificate)
        self._timeout = RESPONSE_SECONDS if timeout is None else timeout
        self.url, self._password, self._certificate = url, password, certificate
        if password is None:
            self._check_ticket()
        # Reentrant: the garbage collector can close an iterator, and so release its enumeration, within a request.
        self._lock = threading.RLock()
        self._scheme, *self._schemes_left = self._list_schemes()
        self._wsman = self._connect()

    def __repr__(self) -> str:
        return f"<WsmanClient {self.url.scheme}://{self.url.host}:{self.url.port}>"

    def close(self) -> None:
        """Close the connection."""
        self._wsman.close()

    def _list_schemes(self) -> list[str]:
        """Return the authentication schemes to try, in order.

        A user without a stored NTLM hash can authenticate only by Basic, which is safe where the password cannot be
        read on the network.
        """
        return ["negotiate", *(["basic"] if self.url.is_private and self._password is not None else [])]

    def _connect(self) -> WSMan:
        verify: Any = self._certificate or True
        scheme = self._scheme
        return WSMan(
            self.url.host, max_envelope_size=MAX_ENVELOPE, port=self.url.port, ssl=self.url.scheme == "https",
            auth=scheme, username=self.url.user, password=self._password, cert_validation=verify,
            encryption="never" if scheme == "basic" and self.url.scheme == "http" else "auto",
            negotiate_service=SERVICE,
        )  # fmt: skip

    def get(self, uri: str, selectors: Mapping[str, str]) -> Any:
        """Return the element in the response to Get."""
        return _only_child(self._send(WSMan.get, uri, selector_set=_selector_set(selectors)))

    def invoke(self, uri: str, selectors: Mapping[str, str], method: str, parameters: Mapping[str, str]) -> Any:
        """Call a method and return the element in the response, which has the out parameters."""
        body = ET.Element(clark_name(uri, f"{method}_INPUT"))
        for name, value in parameters.items():
            ET.SubElement(body, clark_name(uri, name)).text = value
        selector_set = _selector_set(selectors)
        response = self._send(WSMan.invoke, f"{uri}/{method}", uri, body, selector_set=selector_set)
        soap_body = response.find(clark_name(names.SOAP, "Body"))
        return _only_child(response if soap_body is None else soap_body)

    def identify(self) -> dict[str, str]:
        """Return the texts of the elements in the response to Identify, by their names, such as ProductVendor."""
        body = ET.Element(clark_name(names.IDENTITY, "Identify"))
        response = self._send(WSMan.invoke, "", "", body)
        return {local_name(element): element.text or "" for element in response.iter()}

    def query(self, text: str, namespace: str = CIMV2, deadline: Deadline | None = None) -> Iterator[Any]:
        """Yield the items that a WQL query selects; closing the iterator early releases the rest on the server.

        Raises:
            TimedOutError: the deadline has passed while a response was awaited.
        """
        uri, body = resource_uri(namespace), _enumerate_body()
        ET.SubElement(body, clark_name(WSMAN, "Filter"), Dialect=names.WQL).text = text
        return self._pull_items(uri, body, {}, deadline)

    def classes(self, pattern: str, namespace: str = CIMV2, deadline: Deadline | None = None) -> Iterator[Any]:
        """Yield the definitions of the classes whose name matches a pattern; ``deadline`` as in ``query``."""
        selectors = {names.NAMESPACE: namespace.replace("\\", "/"), "ClassName": pattern}
        return self._pull_items(names.CLASSES, _enumerate_body(), selectors, deadline)

    def _pull_items(
        self, uri: str, body: ET.Element, selectors: Mapping[str, str], deadline: Deadline | None
    ) -> Iterator[ET.Element]:
        selector_set = _selector_set(selectors) if selectors else None
        response = self._send(WSMan.enumerate, uri, body, deadline=deadline, selector_set=selector_set)
        context = _read_context(response)
        try:
            yield from _read_items(response)
            while context:
                pull = _context_body(context, "Pull")
                ET.SubElement(pull, clark_name(ENUMERATION, "MaxElements")).text = str(MAX_ITEMS)
                response = self._send(WSMan.pull, uri, pull, deadline=deadline)
                is_last = response.find(f".//{clark_name(ENUMERATION, 'EndOfSequence')}") is not None
                # A response without a context means that the context has not changed (WS-Enumeration).
                context = "" if is_last else _read_context(response) or context
                yield from _read_items(response)
        except TimedOutError:
            context = ""  # a server that does not answer is not waited for again: it releases the rest itself
            raise
        finally:
            if context:
                has_limit = deadline is not None and deadline.seconds_left is not None
                self._release(uri, context, Deadline(RELEASE_SECONDS if has_limit else None))

    def _release(self, uri: str, context: str, deadline: Deadline) -> None:
        with suppress(LogonscopeError):
            self._send(WSMan.invoke, names.RELEASE, uri, _context_body(context, "Release"), deadline=deadline)

    def _send(
        self, method: Callable[..., Any], *arguments: Any, deadline: Deadline | None = None, **options: Any
    ) -> Any:
        """Call a method of WSMan, and convert its errors to Logonscope's.

        After a failed authentication, the method is called again with the next authentication scheme.
        """
        deadline = deadline or Deadline()
        self._acquire(deadline)
        try:
            return self._send_locked(method, arguments, options, deadline)
        finally:
            self._lock.release()

    def _acquire(self, deadline: Deadline) -> None:
        """Wait until the connection carries no request of another thread.

        Raises:
            TimedOutError: the deadline has passed.
        """
        seconds_left = deadline.seconds_left
        while not self._lock.acquire(timeout=-1 if seconds_left is None else min(seconds_left, OPERATION_SECONDS)):
            deadline.check()
            seconds_left = deadline.seconds_left

    def _send_locked(
        self, method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], deadline: Deadline
    ) -> Any:
        deadline.check()
        seconds_left = deadline.seconds_left
        seconds = self._timeout if seconds_left is None else min(self._timeout, max(seconds_left, MIN_SECONDS))
        try:
            with _timeouts(self._wsman, seconds):
                return method(self._wsman, *arguments, **options)
        except pypsrp.exceptions.AuthenticationError:
            if not self._schemes_left:
                raise self._authentication_error() from None
            self._scheme = self._schemes_left.pop(0)
            self._reconnect()
            return self._send_locked(method, arguments, options, deadline)
        except pypsrp.exceptions.WSManFaultError as error:
            raise _error_of_fault(error) from None
        except (requests.exceptions.RequestException, pypsrp.exceptions.WinRMError, ET.ParseError) as error:
            if isinstance(error, requests.exceptions.RequestException):
                # pypsrp would encrypt the next request for the connection that failed
                self._reconnect()
                if deadline.is_over:
                    raise deadline.end_error() from None
            raise self._transport_error(error, seconds) from None
        # pypsrp raises these for responses that WinRM never sends: a missing element, an invalid number.
        except (LookupError, ValueError) as error:
            raise self._transport_error(ET.ParseError(error), seconds) from None

    def _reconnect(self) -> None:
        self._wsman.close()
        self._wsman = self._connect()

    def _authentication_error(self) -> AccessDeniedError:
        user = "the Kerberos principal" if self.url.user is None else f"'{self.url.user}'"
        also = "" if self.url.is_private else "; without TLS, only users added with --ntlm can authenticate"
        hint = Hint(HintCode.LIST_USERS_ON_THAT_HOST, also=also)
        return AccessDeniedError(f"authentication failed for {user} at {self.url.host}", hint)

    def _check_ticket(self) -> None:
        """Raise an error if there is no Kerberos ticket, which is needed when there is no password."""
        user, host = self.url.user, self.url.host
        try:
            spnego.client(user, hostname=host, service=SERVICE, protocol="negotiate").step()
        except SpnegoError:
            if user is None:
                hint = f"write {self.url.with_user('USER')}, or set LOGONSCOPE_USER"
                raise AccessDeniedError("no user name and no Kerberos ticket", hint) from None
            hint = "set LOGONSCOPE_PASSWORD, or run the command in a terminal to be prompted"
            raise AccessDeniedError(f"no password for '{user}' and no Kerberos ticket", hint) from None

    def _transport_error(self, error: Exception, seconds: float) -> LogonscopeError:
        """Return the error that says why the host cannot be reached, or why its response is invalid.

        ``seconds``: the timeout of the request.
        """
        server, cause = f"{self.url.host}, port {self.url.port}", _root_cause(error)
        if isinstance(error, requests.exceptions.ConnectTimeout):
            connect_seconds = min(CONNECT_SECONDS, seconds)
            return TimedOutError(f"no connection to {server}, within {connect_seconds:g} s", _CHECK_SERVER)
        if isinstance(error, requests.exceptions.Timeout):
            message = f"no complete response from {server}, within {seconds:g} s"
            return TimedOutError(message, "request less, or give a longer timeout; or c" + _CHECK_SERVER[1:])
        if isinstance(error, requests.exceptions.SSLError) and "certificate" not in cause:
            return TransportFailureError(
                f"TLS handshake failed with {server}: {cause}", "check that it is the port of https"
            )
        if isinstance(error, requests.exceptions.SSLError):
            message = f"the certificate of {self.url.host} is not trusted: {cause}"
            return TransportFailureError(message, Hint(HintCode.TRUST_CERTIFICATE))
        return TransportFailureError(f"no valid response from {server}: {cause}", _CHECK_SERVER)


@contextmanager
def _timeouts(wsman: Any, seconds: float) -> Iterator[None]:
    """Set the timeouts of a request; restore those of the request within which this one is sent (see ``_lock``)."""
    # Any: pypsrp declares ints, but the package requests accepts any number
    transport = wsman.transport
    earlier = wsman.operation_timeout, transport.connection_timeout, transport.read_timeout
    wsman.operation_timeout = math.ceil(min(OPERATION_SECONDS, seconds))
    transport.connection_timeout, transport.read_timeout = min(CONNECT_SECONDS, seconds), seconds
    try:
        yield
    finally:
        wsman.operation_timeout, transport.connection_timeout, transport.read_timeout = earlier


def _root_cause(error: Exception) -> str:
    """Return the text of the innermost error, without the names of the library's objects."""
    if isinstance(error, pypsrp.exceptions.WinRMTransportError):
        return f"HTTP status {error.code}, without a WS-Management message"
    if isinstance(error, ET.ParseError):
        return "the response is not a WS-Management message"
    cause: BaseException = error
    # The error of the package requests has urllib3's error as an argument; urllib3's has the system's error as reason.
    while inner := next(filter(_is_exception, (getattr(cause, "reason", None), *cause.args)), None):
        cause = inner
    text = str(cause).rpartition("] ")[2].partition(" (_ssl.c")[0]
    return text if "(" in text else text.removesuffix(")")  # urllib3 puts the resolver's message in brackets


def _is_exception(value: object) -> TypeGuard[BaseException]:
    return isinstance(value, BaseException)


def _error_of_fault(error: "pypsrp.exceptions.WSManFaultError") -> LogonscopeError:
    error_class = _ERROR_CLASSES.get(error.code or 0, LogonscopeError)
    # Logonscope's server sends message and hint in one text; Windows sends a message alone.
    message, _, hint = (error.reason or str(error)).partition("; ")
    return error_class(message.strip(), hint.strip())


def _enumerate_body() -> ET.Element:
    body = ET.Element(clark_name(ENUMERATION, "Enumerate"))
    ET.SubElement(body, clark_name(WSMAN, "OptimizeEnumeration"))
    ET.SubElement(body, clark_name(WSMAN, "MaxElements")).text = str(MAX_ITEMS)
    return body


def _context_body(context: str, verb: str) -> ET.Element:
    """Return the body of a Pull or Release request."""
    body = ET.Element(clark_name(ENUMERATION, verb))
    ET.SubElement(body, clark_name(ENUMERATION, "EnumerationContext")).text = context
    return body


def _read_context(response: ET.Element) -> str:
    return (response.findtext(f".//{clark_name(ENUMERATION, 'EnumerationContext')}") or "").strip()


def _read_items(response: ET.Element) -> Iterator[ET.Element]:
    # An optimized Enumerate is answered with Items of WS-Management's namespace, a Pull with those of WS-Enumeration's.
    for items_name in (clark_name(WSMAN, "Items"), clark_name(ENUMERATION, "Items")):
        yield from response.iterfind(f".//{items_name}/*")


def _only_child(body: ET.Element) -> ET.Element:
    child = next(iter(body), None)
    if child is None:
        raise TransportFailureError("the response is empty", "check that the server is a WMI host")
    return child


def _selector_set(selectors: Mapping[str, str]) -> SelectorSet:
    selector_set = SelectorSet()
    for name, value in selectors.items():
        selector_set.add_option(name, value)
    return selector_set
