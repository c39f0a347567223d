"""What does a client ask for? One typed operation for each action (DSP0226 7 and 8, MS-WSMV 3.1.4)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from logonscope.cim.paths import ObjectPath
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import Envelope, duration, has_option, number, selectors
from logonscope.wire.wsman.faults import (
    ACTION_NOT_SUPPORTED,
    CANNOT_PROCESS_FILTER,
    DIALECT_UNAVAILABLE,
    HEADER_REQUIRED,
    INSUFFICIENT_SELECTORS,
    INVALID_CONTEXT,
    INVALID_EXPIRATION,
    INVALID_PARAMETER,
    INVALID_XML,
    FaultError,
)
from logonscope.wire.wsman.names import BINDING, ENUMERATION, IDENTITY, NAMESPACE, WSMAN
from logonscope.wire.wsman.resource import ALL, Resource, Selectors, path_of, reference_of, resource
from logonscope.wire.xml import Element, child, clark, content, is_true, local, space

LONGEST_CONTEXT = 200
MOST_PROPERTIES = 1000

HIERARCHY = "IncludeInheritanceHierarchy"
"""The option by which Windows' clients ask for DERIVATION in the definition of a class."""

OBJECT, EPR, OBJECT_AND_EPR = "", "EnumerateEPR", "EnumerateObjectAndEPR"
INCLUDE, EXCLUDE, NONE = "IncludeSubClassProperties", "ExcludeSubClassProperties", "None"


class Identify(NamedTuple):
    """Which product and protocol is this?"""


class Get(NamedTuple):
    """One instance, or a property of it (w:FragmentTransfer)."""

    where: Resource
    path: ObjectPath | None  # None: the definition of the class
    fragment: str = ""
    hierarchy: bool = False  # the definition names the classes above it


class Wql(NamedTuple):
    """A query."""

    text: str


class Matching(NamedTuple):
    """A filter by selectors: instances whose properties have these values (DSP0226 8.2, annex E)."""

    values: Mapping[str, str]


class Along(NamedTuple):
    """A filter by association (DSP0227 8.2)."""

    path: ObjectPath
    references: bool
    assoc_class: str | None = None
    result_class: str | None = None
    role: str | None = None
    result_role: str | None = None
    properties: tuple[str, ...] | None = None


Filter = Wql | Matching | Along | None


class Enumerate(NamedTuple):
    """Instances of a class, or what a filter lets through; ``optimized``: the first come with the answer."""

    where: Resource
    filter: Filter = None
    mode: str = OBJECT
    polymorphism: str = INCLUDE
    optimized: bool = False
    max_elements: int = 1
    expires: float | None = None
    hierarchy: bool = False  # definitions name the classes above them


class Pull(NamedTuple):
    """More of an enumeration: so many items at most, in so many seconds."""

    where: Resource
    context: str
    max_elements: int = 1
    max_characters: int | None = None
    seconds: float | None = None


class Release(NamedTuple):
    """An enumeration is no longer wanted."""

    context: str


class Renew(NamedTuple):
    """An enumeration is wanted for longer; also the question how long it lasts."""

    context: str
    expires: float | None = None
    only_asks: bool = False


class Invoke(NamedTuple):
    """A method of an instance, with its parameters as text; None is null."""

    where: Resource
    path: ObjectPath
    method: str
    parameters: Mapping[str, str | None]


class Delete(NamedTuple):
    """An instance is to go."""

    path: ObjectPath


class Change(NamedTuple):
    """Put or Create: an instance is to be other than it is."""

    where: Resource


class Subscribe(NamedTuple):
    """Events are to be told."""


Operation = Identify | Get | Enumerate | Pull | Release | Renew | Invoke | Delete | Change | Subscribe


def decode(envelope: Envelope) -> Operation:
    """Return what an envelope asks for.

    Raises:
        FaultError: it asks for nothing that there is, or says it wrongly.
    """
    if envelope.body is not None and envelope.body.tag == clark(IDENTITY, "Identify"):
        return Identify()
    action = envelope.action
    if not action:
        raise FaultError(HEADER_REQUIRED, "the header a:Action is missing", "say what to do")
    if action in ACTIONS:
        return ACTIONS[action].read(envelope, selectors(envelope))
    return _invoke(envelope, selectors(envelope))


def _where(envelope: Envelope, given: Selectors) -> Resource:
    return resource(envelope.text(WSMAN, "ResourceURI"), given)


def _get(envelope: Envelope, given: Selectors) -> Get:
    where = _where(envelope, given)
    if where.is_class:
        if where.class_name == ALL:
            raise FaultError(INSUFFICIENT_SELECTORS, "the selector ClassName is missing", "name one class by it")
        return Get(where, None, hierarchy=has_option(envelope, HIERARCHY))
    return Get(where, path_of(where, given), envelope.text(WSMAN, "FragmentTransfer"))


def _change(envelope: Envelope, given: Selectors) -> Change:
    return Change(_where(envelope, given))


def _delete(envelope: Envelope, given: Selectors) -> Delete:
    return Delete(path_of(_where(envelope, given), given))


def _invoke(envelope: Envelope, given: Selectors) -> Invoke:
    """Return the method whose name is the last part of the action (DSP0227 10.2)."""
    uri = envelope.text(WSMAN, "ResourceURI")
    before, _, method = envelope.action.rpartition("/")
    if not uri or not method or before.lower().replace("\\", "/") != uri.lower().replace("\\", "/").rstrip("/"):
        hint = "an action is one of WS-Management's, or a resource URI with the name of a method"
        raise FaultError(ACTION_NOT_SUPPORTED, f"there is no action '{envelope.action[:200]}'", hint)
    where = _where(envelope, given)
    return Invoke(where, path_of(where, given), method, _parameters(envelope.body))


def _parameters(given: Element | None) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for element in () if given is None else given:
        found[local(element)] = None if is_true(element.get(clark(names.XSI, "nil"))) else content(element)
    return found


def _enumerate(envelope: Envelope, given: Selectors) -> Enumerate:
    asked = _body(envelope, ENUMERATION, "Enumerate")
    where = _where(envelope, given)
    most = child(asked, clark(WSMAN, "MaxElements"), clark(ENUMERATION, "MaxElements"))
    expires = child(asked, clark(ENUMERATION, "Expires"))
    said = child(asked, clark(WSMAN, "Filter"), clark(ENUMERATION, "Filter"))
    mode, polymorphism = child(asked, clark(WSMAN, "EnumerationMode")), child(asked, clark(BINDING, "PolymorphismMode"))
    found = Enumerate(
        where,
        _filter(said) if said is not None else _matching(given),
        content(mode) if mode is not None else OBJECT,
        content(polymorphism) if polymorphism is not None else INCLUDE,
        optimized=child(asked, clark(WSMAN, "OptimizeEnumeration")) is not None,
        max_elements=1 if most is None else number(content(most), "MaxElements"),
        expires=None if expires is None else _expiration(content(expires)),
        hierarchy=where.is_class and has_option(envelope, HIERARCHY),
    )
    for value, known, what in (
        (found.mode, (OBJECT, EPR, OBJECT_AND_EPR, "EnumerateObject"), "EnumerationMode"),
        (found.polymorphism, (INCLUDE, EXCLUDE, NONE), "PolymorphismMode"),
    ):
        if value not in known:
            raise FaultError(INVALID_PARAMETER, f"{what} is '{value[:40]}'", f"give {', '.join(filter(None, known))}")
    return found


def _matching(given: Selectors) -> Matching | None:
    """Return the selectors of an enumeration: they are a filter by values where they are no more than that."""
    values = {name: value for name, value in given.items() if name.lower() not in {NAMESPACE, "classname"}}
    return Matching({name: str(value) for name, value in values.items()}) if values else None


def _filter(element: Element) -> Filter:
    dialect = element.get("Dialect", "").strip()
    reader = {known.lower(): reader for known, reader in _FILTERS.items()}.get(dialect.lower())
    if reader is None:
        known = ", ".join(_FILTERS)
        raise FaultError(DIALECT_UNAVAILABLE, f"there is no filter dialect '{dialect[:200]}'", f"there are {known}")
    return reader(element)


def _wql(element: Element) -> Wql:
    return Wql(content(element))


def _selector_filter(element: Element) -> Matching:
    found = child(element, clark(WSMAN, "SelectorSet"))
    if found is None:
        raise FaultError(CANNOT_PROCESS_FILTER, "the filter has no w:SelectorSet", "give property names with values")
    return Matching({selector.get("Name", ""): content(selector) for selector in found})


def _association_filter(element: Element) -> Along:
    kinds = {clark(BINDING, "AssociatedInstances"): False, clark(BINDING, "AssociationInstances"): True}
    asked = child(element, *kinds)
    about = None if asked is None else child(asked, clark(BINDING, "Object"))
    if asked is None or about is None:
        hint = "give b:AssociatedInstances or b:AssociationInstances, with the b:Object that they are tied to"
        raise FaultError(CANNOT_PROCESS_FILTER, "the filter names no object", hint)
    said = {local(part): content(part) for part in asked if space(part) == BINDING}
    properties = [content(part) for part in asked if part.tag == clark(BINDING, "IncludeResultProperty")]
    if len(properties) > MOST_PROPERTIES:
        raise FaultError(CANNOT_PROCESS_FILTER, f"{len(properties)} properties", f"give at most {MOST_PROPERTIES}")
    return Along(
        reference_of(about), kinds[asked.tag], said.get("AssociationClassName"), said.get("ResultClassName"),
        said.get("Role"), said.get("ResultRole"), tuple(properties) or None,
    )  # fmt: skip


def _pull(envelope: Envelope, given: Selectors) -> Pull:
    asked = _body(envelope, ENUMERATION, "Pull")
    most = child(asked, clark(ENUMERATION, "MaxElements"), clark(WSMAN, "MaxElements"))
    characters, time = child(asked, clark(ENUMERATION, "MaxCharacters")), child(asked, clark(ENUMERATION, "MaxTime"))
    uri = envelope.text(WSMAN, "ResourceURI")
    return Pull(
        resource(uri, given) if uri else Resource("root/cimv2", ALL),
        _context(asked),
        1 if most is None else number(content(most), "MaxElements"),
        None if characters is None else number(content(characters), "MaxCharacters"),
        None if time is None else duration(content(time), "MaxTime"),
    )


def _release(envelope: Envelope, _: Selectors) -> Release:
    return Release(_context(_body(envelope, ENUMERATION, "Release")))


def _renew(envelope: Envelope, _: Selectors) -> Renew:
    asked = _body(envelope, ENUMERATION, "Renew")
    expires = child(asked, clark(ENUMERATION, "Expires"))
    return Renew(_context(asked), None if expires is None else _expiration(content(expires)))


def _status(envelope: Envelope, _: Selectors) -> Renew:
    return Renew(_context(_body(envelope, ENUMERATION, "GetStatus")), only_asks=True)


def _subscribe(_: Envelope, __: Selectors) -> Subscribe:
    return Subscribe()


def _body(envelope: Envelope, namespace: str, name: str) -> Element:
    if envelope.body is None or envelope.body.tag != clark(namespace, name):
        raise FaultError(INVALID_XML, f"the body is no {name}", f"send the element {name} of {namespace}")
    return envelope.body


def _context(asked: Element) -> str:
    found = child(asked, clark(ENUMERATION, "EnumerationContext"))
    text = "" if found is None else content(found)
    if not text or len(text) > LONGEST_CONTEXT:
        raise FaultError(INVALID_CONTEXT, "there is no such enumeration", "start a new one")
    return text


def _expiration(text: str) -> float:
    try:
        return duration(text, "Expires")
    except FaultError as error:
        raise FaultError(INVALID_EXPIRATION, str(error)) from None


_FILTERS: Mapping[str, Callable[[Element], Filter]] = {
    names.WQL: _wql, names.SELECTOR_FILTER: _selector_filter, names.ASSOCIATION_FILTER: _association_filter,
}  # fmt: skip


class Action(NamedTuple):
    """What an action asks for, and what reads it."""

    operation: type
    read: Callable[[Envelope, Selectors], Operation]


ACTIONS: Mapping[str, Action] = {
    names.GET: Action(Get, _get),
    names.ENUMERATE: Action(Enumerate, _enumerate),
    names.PULL: Action(Pull, _pull),
    names.RELEASE: Action(Release, _release),
    names.RENEW: Action(Renew, _renew),
    names.GET_STATUS: Action(Renew, _status),
    names.PUT: Action(Change, _change),
    names.CREATE: Action(Change, _change),
    names.DELETE: Action(Delete, _delete),
    names.SUBSCRIBE: Action(Subscribe, _subscribe),
    names.UNSUBSCRIBE: Action(Subscribe, _subscribe),
}
"""Every action by its URI; one that is none of these is a method's (Invoke)."""


def name_of(action: str) -> str:
    """Return the name of an operation: Pull, Invoke; of so many, whatever a client sends."""
    if not action:
        return "Identify"
    return action.rpartition("/")[2] if action in ACTIONS else "Invoke"
