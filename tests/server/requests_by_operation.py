"""Requests of every operation that the dispatcher has, in every form that WS-Management has for them.

``OPERATION_REQUESTS`` has a row for each row of the dispatcher's table: a new operation needs a row here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from logonscope.broker.invoke import SUPPORTED_METHODS
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.dispatch.operation import UNDECODED
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import WMI
from logonscope.wire.xml import escape
from tests.server.exchanges import FOLLOW_UPS, Request, context_request
from tests.server.mutants import queries
from tests.server.soap import envelope, selector_set

EVERYTHING = WMI + "/root/cimv2/*"
PROCESS, LS_PROCESS = WMI + "/root/cimv2/Win32_Process", WMI + "/root/logonscope/LS_Process"
MODES = ("", "EnumerateObject", "EnumerateEPR", "EnumerateObjectAndEPR")
POLYMORPHISMS = ("", "None", "IncludeSubClassProperties", "ExcludeSubClassProperties")
DIALECTS = (names.WQL, names.SELECTOR_FILTER, names.ASSOCIATION_FILTER)
MADE_UP = "uuid:00000000-0000-4000-8000-000000000000"
COUNT = "<w:RequestTotalItemsCountEstimate/>"


class Reference(NamedTuple):
    """An instance as an endpoint reference: its resource URI and its w:SelectorSet."""

    uri: str
    selectors: str


class Guess(NamedTuple):
    """A value that a user could guess: the URI of a class, a property, and its value as WQL has it."""

    uri: str
    name: str
    value: str


class Host(NamedTuple):
    """What requests are about: every instance of a host, and values that a caller could guess."""

    references: Sequence[Reference]
    guesses: Sequence[Guess]

    def some(self, chance: Random, count: int, class_name: str = "") -> list[Reference]:
        """Return some of the references, or of those to a class."""
        known = [reference for reference in self.references if reference.uri.endswith(class_name)]
        return chance.sample(known, min(count, len(known)))


def filtered(dialect: str, content: str) -> str:
    """Return a w:Filter."""
    return f'<w:Filter Dialect="{dialect}">{content}</w:Filter>'


def enumerate_request(
    uri: str, chance: Random, inner: str = "", selectors: str = "", modes: Sequence[str] = ("",)
) -> Request:
    """Return an Enumerate with this content, and with options by chance."""
    mode, polymorphism = chance.choice(modes), chance.choice(POLYMORPHISMS)
    content = (
        chance.choice(("", "<w:OptimizeEnumeration/>"))
        + f"<w:MaxElements>{chance.choice((3, 40, 1000))}</w:MaxElements>"
        + (mode and f"<w:EnumerationMode>{mode}</w:EnumerationMode>")
        + (polymorphism and f"<b:PolymorphismMode>{polymorphism}</b:PolymorphismMode>")
    )
    more = chance.choice(("", COUNT, "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>"))
    body = envelope(names.ENUMERATE, uri, f"<n:Enumerate>{content}{inner}</n:Enumerate>", selectors, more)
    return Request(body, chance.choice(("pull", "pull", "pull", *FOLLOW_UPS)))


def _identify(_host: Host, _chance: Random) -> Iterator[Request]:
    yield Request(envelope("", "", "<id:Identify/>"))


def _get(host: Host, chance: Random) -> Iterator[Request]:
    for reference in host.some(chance, 15):
        yield Request(envelope(names.GET, reference.uri, selectors=reference.selectors))
    for name in ("CommandLine", "CommandLine/text()", "SessionId", "VirtualSize"):
        for reference in host.some(chance, 2, "/Win32_Process"):
            fragment = f"<w:FragmentTransfer>{name}</w:FragmentTransfer>"
            yield Request(envelope(names.GET, reference.uri, "", reference.selectors, fragment))


def _get_class(_host: Host, chance: Random) -> Iterator[Request]:
    for name in ("Win32_Process", "Win32_Nothing", chance.choice([*schema().classes(CIMV2)]).name):
        yield Request(envelope(names.GET, names.CLASSES, selectors=selector_set([("ClassName", name)])))
    for action in (names.PUT, names.CREATE):
        yield Request(envelope(action, PROCESS, "<x/>", selector_set([("Handle", "1")])))


def _classes(_host: Host, chance: Random) -> Iterator[Request]:
    for pattern in ("", "Win32_*Process", "LS_*"):
        selectors = selector_set([("ClassName", pattern)] if pattern else [])
        yield enumerate_request(names.CLASSES, chance, selectors=selectors)


def _enumerate(_host: Host, chance: Random) -> Iterator[Request]:
    for name in ("Win32_Process", "Win32_LogonSession", "Win32_SessionProcess"):
        body = "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements></n:Enumerate>"
        yield Request(envelope(names.ENUMERATE, name, body))
    for namespace in (CIMV2, LOGONSCOPE):
        for cls in schema().classes(namespace):
            uri = f"{WMI}/{namespace.replace(chr(92), '/')}/{cls.name}"
            yield enumerate_request(uri, chance, modes=MODES)


def _query(host: Host, chance: Random) -> Iterator[Request]:
    for guess in chance.sample(host.guesses, min(12, len(host.guesses))):
        class_name = guess.uri.rpartition("/")[2]
        conditions = (
            f"{guess.name} = {guess.value}", f"NOT {guess.name} = {guess.value}", f"{guess.name} >= {guess.value}",
            f"{guess.name} IS NULL", f"{guess.name} LIKE '%{guess.value[1:-1]}'",
        )  # fmt: skip
        columns = chance.choice(("*", guess.name))
        text = f"SELECT {columns} FROM {class_name} WHERE {chance.choice(conditions)}"
        yield enumerate_request(guess.uri.rpartition("/")[0] + "/*", chance, filtered(names.WQL, escape(text)))
        pairs = selector_set([(guess.name, guess.value.strip("'"))])
        yield enumerate_request(guess.uri, chance, filtered(names.SELECTOR_FILTER, pairs), modes=MODES)
        yield enumerate_request(guess.uri, chance, selectors=pairs, modes=MODES)
    for text in chance.sample(queries(), 15):
        yield enumerate_request(EVERYTHING, chance, filtered(names.WQL, escape(text)))


def _tied(host: Host, chance: Random, element: str) -> Iterator[Request]:
    for reference in host.some(chance, 10):
        parameters = f"<w:ResourceURI>{escape(reference.uri)}</w:ResourceURI>{reference.selectors}"
        about = f"<b:Object><a:Address/><a:ReferenceParameters>{parameters}</a:ReferenceParameters></b:Object>"
        narrowed = chance.choice(("", "", "<b:ResultClassName>Win32_LogonSession</b:ResultClassName>"))
        content = f"<b:{element}>{about}{narrowed}</b:{element}>"
        yield enumerate_request(EVERYTHING, chance, filtered(names.ASSOCIATION_FILTER, content), modes=MODES)


def _associators(host: Host, chance: Random) -> Iterator[Request]:
    return _tied(host, chance, "AssociatedInstances")


def _references(host: Host, chance: Random) -> Iterator[Request]:
    return _tied(host, chance, "AssociationInstances")


def _invoke(host: Host, chance: Random) -> Iterator[Request]:
    for method in (*SUPPORTED_METHODS, "Win32_Process.AttachDebugger", "Win32_Process.Nothing"):
        name = method.rpartition(".")[2]
        parameters = "<p:Priority>64</p:Priority>" if name == "SetPriority" else ""
        for reference in host.some(chance, 4, "/Win32_Process"):
            body = f'<p:{name}_INPUT xmlns:p="{PROCESS}">{parameters}</p:{name}_INPUT>'
            yield Request(envelope(f"{PROCESS}/{name}", PROCESS, body, reference.selectors))


def _delete(host: Host, chance: Random) -> Iterator[Request]:
    for reference in (*host.some(chance, 4, "/Win32_Process"), *host.some(chance, 2, "/Win32_LogonSession")):
        yield Request(envelope(names.DELETE, reference.uri, selectors=reference.selectors))


def _pull(_host: Host, _chance: Random) -> Iterator[Request]:
    yield Request(context_request("pull", MADE_UP))


def _renew(_host: Host, _chance: Random) -> Iterator[Request]:
    yield Request(context_request("renew", MADE_UP))
    yield Request(context_request("status", MADE_UP))


def _release(_host: Host, _chance: Random) -> Iterator[Request]:
    yield Request(context_request("release", MADE_UP))


def _subscribe(_host: Host, chance: Random) -> Iterator[Request]:
    """Yield subscriptions; the hosts of this test have no events."""
    for uri in (EVERYTHING, WMI + "/root/cimv2/Win32_ProcessStartTrace"):
        query = "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_Process'"
        inner = f'<e:Delivery Mode="{names.PULL_MODE}"/>{chance.choice(("", filtered(names.WQL, escape(query))))}'
        yield Request(envelope(names.SUBSCRIBE, uri, f"<e:Subscribe>{inner}</e:Subscribe>"))
    for verb in ("Unsubscribe", "Renew", "GetStatus"):
        header = f"<e:Identifier>{MADE_UP}</e:Identifier>"
        yield Request(envelope(f"{names.EVENTING}/{verb}", "", f"<e:{verb}/>", more=header))


def _refused(_host: Host, chance: Random) -> Iterator[Request]:
    """Yield requests that ask for nothing that there is."""
    for action in (names.SUBSCRIBE, names.UNSUBSCRIBE, f"{PROCESS}x/GetOwner"):
        yield Request(envelope(action, PROCESS, "<e:Subscribe/>", selector_set([("Handle", "1")])))
    yield enumerate_request(PROCESS, chance, filtered("unknown", "x"))
    yield enumerate_request(PROCESS, chance, modes=("unknown",))
    yield enumerate_request(PROCESS, chance, "<w:Filter/>")
    yield Request(b"<broken")


OPERATION_REQUESTS: Mapping[str, Callable[[Host, Random], Iterator[Request]]] = {
    "identify": _identify,
    "get": _get,
    "get_class": _get_class,
    "classes": _classes,
    "enumerate": _enumerate,
    "query": _query,
    "associators": _associators,
    "references": _references,
    "invoke": _invoke,
    "delete": _delete,
    "pull": _pull,
    "renew": _renew,
    "release": _release,
    "subscribe": _subscribe,
    UNDECODED: _refused,
}
"""By the names of ``dispatch.operations.OPERATIONS``, and what is refused before it is one of them."""


def all_requests(host: Host, seed: int) -> list[Request]:
    """Return requests of every operation about a host, the same for the same seed."""
    chance = Random(seed)  # noqa: S311 -- to be the same for both hosts
    return [request for requests in OPERATION_REQUESTS.values() for request in requests(host, chance)]
