"""How is another machine asked? WS-Management, carried by pypsrp, whose refusals become errors of ours.

Elements are ElementTree's; wire/wsman reads them. A machine of Windows is asked in the same way as one of Logonscope.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from logonscope import errors
from logonscope.cim.classes import CIMV2
from logonscope.errors import (
    AccessDeniedError,
    InvalidParameterError,
    LogonscopeError,
    NotSupportedError,
    TransportFailureError,
)
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ENUMERATION, WSMAN, of

try:
    import pypsrp.exceptions
    import requests
    from pypsrp.wsman import SelectorSet, WSMan
except ImportError as missing:
    raise NotSupportedError(f"there is no module {missing.name} here", "install logonscope[remote]") from missing

PORTS = {"http": 5985, "https": 5986}
MOST_ITEMS = 1000
"""Of one answer."""

ENVELOPE = 512_000
"""Octets: what Windows takes (MaxEnvelopeSizekb)."""

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
    return Url(found.scheme, found.hostname, port or PORTS[found.scheme], found.username)


class Link:
    """A connection that stays open; not for several threads at once."""

    def __init__(self, url: Url, password: str | None, certificate: str | None = None) -> None:
        """Take where to ask; it is connected to with the first question.

        Args:
            url: of the machine.
            password: None: what Kerberos knows.
            certificate: a PEM file to trust; None: those of the system.
        """
        self.url, self._password, self._certificate = url, password, certificate
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
        return WSMan(
            self.url.host, max_envelope_size=ENVELOPE, port=self.url.port, ssl=self.url.scheme == "https", auth=way,
            username=self.url.user, password=self._password, cert_validation=verify, operation_timeout=60,
            read_timeout=90, encryption="never" if way == "basic" and self.url.scheme == "http" else "auto",
            negotiate_service="HTTP",  # RFC 4559 4; tickets to "host", as pypsrp would have, are for sshd as well
        )  # fmt: skip

    def get(self, uri: str, selectors: Mapping[str, str]) -> Any:
        """Return the element that Get answers."""
        return _only(self._asked(lambda: self._wsman.get(uri, selector_set=_selector_set(selectors))))

    def delete(self, uri: str, selectors: Mapping[str, str]) -> None:
        """Delete an instance."""
        self._asked(lambda: self._wsman.delete(uri, selector_set=_selector_set(selectors)))

    def invoke(self, uri: str, selectors: Mapping[str, str], method: str, parameters: Mapping[str, str]) -> Any:
        """Return the element that a method answers."""
        body = ET.Element(of(uri, f"{method}_INPUT"))
        for name, value in parameters.items():
            ET.SubElement(body, of(uri, name)).text = value
        chosen = _selector_set(selectors)
        answer = self._asked(lambda: self._wsman.invoke(f"{uri}/{method}", uri, body, selector_set=chosen))
        found = answer.find(of(names.SOAP, "Body"))
        return _only(answer if found is None else found)

    def identify(self) -> dict[str, str]:
        """Return what the other end says that it is."""
        body = ET.Element(of(names.IDENTITY, "Identify"))
        answer = self._asked(lambda: self._wsman.invoke("", "", body))
        return {part.tag.rpartition("}")[2]: part.text or "" for part in answer.iter()}

    def query(self, text: str, namespace: str = CIMV2) -> Iterator[Any]:
        """Yield the items that a WQL query has; whoever stops early lets the other end forget the rest."""
        uri = f"{names.WMI}/{namespace.replace(chr(92), '/')}/*"
        body = _enumerate()
        ET.SubElement(body, of(WSMAN, "Filter"), Dialect=names.WQL).text = text
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
                ET.SubElement(pull, of(ENUMERATION, "MaxElements")).text = str(MOST_ITEMS)
                answer = self._asked(lambda: self._wsman.pull(uri, pull))  # noqa: B023 -- called at once
                ended = answer.find(f".//{of(ENUMERATION, 'EndOfSequence')}") is not None
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
        try:
            return ask()
        except pypsrp.exceptions.AuthenticationError:
            if not self._ways:
                who = self.url.user or "whoever Kerberos knows"
                plain = "" if self.url.scheme == "https" else "; without TLS only users with --ntlm come in"
                hint = f"see `logonscope user list` there{plain}"
                raise AccessDeniedError(f"{self.url.host} does not let {who} in", hint) from None
            self._wsman.close()
            self._wsman = self._connected(self._ways.pop(0))
            return self._asked(ask)
        except pypsrp.exceptions.WSManFaultError as error:
            raise _refusal(error) from None
        except requests.exceptions.SSLError as error:
            hint = "give its certificate: --ca FILE, LOGONSCOPE_CA"
            raise TransportFailureError(
                f"the certificate of {self.url.host} is not trusted: {_cause(error)}", hint
            ) from None
        except (requests.exceptions.RequestException, pypsrp.exceptions.WinRMError, ET.ParseError) as error:
            where = f"{self.url.host}, port {self.url.port}"
            raise TransportFailureError(f"{where}, does not answer: {_cause(error)}", _UNREACHABLE) from None


def _cause(error: Exception) -> str:
    """Return what went wrong at the bottom of it, without the names of the library's objects."""
    reason = getattr(error.args[0] if error.args else None, "reason", error)
    return str(reason).rpartition("] ")[2].partition(" (_ssl.c")[0]


def _refusal(error: "pypsrp.exceptions.WSManFaultError") -> LogonscopeError:
    kind = _BY_NUMBER.get(error.code or 0, LogonscopeError)
    message, _, hint = (error.reason or str(error)).partition("; ")
    return kind(message.strip(), hint.strip())


def _enumerate() -> ET.Element:
    body = ET.Element(of(ENUMERATION, "Enumerate"))
    ET.SubElement(body, of(WSMAN, "OptimizeEnumeration"))
    ET.SubElement(body, of(WSMAN, "MaxElements")).text = str(MOST_ITEMS)
    return body


def _about(context: str, verb: str) -> ET.Element:
    body = ET.Element(of(ENUMERATION, verb))
    ET.SubElement(body, of(ENUMERATION, "EnumerationContext")).text = context
    return body


def _context(answer: ET.Element) -> str:
    return (answer.findtext(f".//{of(ENUMERATION, 'EnumerationContext')}") or "").strip()


def _items(answer: ET.Element) -> Iterator[ET.Element]:
    for holder in (of(WSMAN, "Items"), of(ENUMERATION, "Items")):
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
