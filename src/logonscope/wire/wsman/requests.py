"""Requests of WS-Management: envelopes decoded to a typed request for each action (DSP0226 7 and 8, MS-WSMV 3.1.4)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from logonscope.cim.paths import ObjectPath
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import (
    HIERARCHY,
    Envelope,
    check_body,
    has_option,
    parse_duration,
    parse_expires,
    parse_number,
    read_selectors,
)
from logonscope.wire.wsman.faults import (
    ACTION_NOT_SUPPORTED,
    CANNOT_PROCESS_FILTER,
    DIALECT_UNAVAILABLE,
    HEADER_REQUIRED,
    INSUFFICIENT_SELECTORS,
    INVALID_CONTEXT,
    INVALID_EXPIRATION,
    INVALID_PARAMETER,
    UNSUPPORTED_EXPIRATION,
    FaultError,
)
from logonscope.wire.wsman.names import BINDING, ENUMERATION, IDENTITY, NAMESPACE, WSMAN
from logonscope.wire.wsman.resource import ALL, Resource, Selectors, instance_path, parse_reference, parse_resource
from logonscope.wire.wsman.subscription_requests import (
    RenewSubscription,
    Subscribe,
    Unsubscribe,
    read_renew,
    read_status,
    read_subscribe,
    read_unsubscribe,
)
from logonscope.wire.xml import Element, clark_name, find_child, is_true, local_name, namespace_of, text_of

MAX_CONTEXT_LENGTH = 200
"""Maximum characters of a context in a request: the contexts that this server creates are shorter."""

MAX_PROPERTIES = 1000
"""Maximum number of properties that an association filter may select."""

OBJECT, EPR, OBJECT_AND_EPR = "", "EnumerateEPR", "EnumerateObjectAndEPR"
INCLUDE, EXCLUDE, NONE = "IncludeSubClassProperties", "ExcludeSubClassProperties", "None"


class Identify(NamedTuple):
    """A request for the name and version of the product, and for the URI of the protocol's version."""


class Get(NamedTuple):
    """A request for one instance, for a property of it (w:FragmentTransfer), or for the definition of a class."""

    resource: Resource
    path: ObjectPath | None  # None: the definition of the class
    fragment: str = ""
    with_superclasses: bool = False  # the definition lists the superclasses


class WqlFilter(NamedTuple):
    """A WQL query."""

    text: str


class SelectorFilter(NamedTuple):
    """A filter by selectors: selects the instances whose properties have these values (DSP0226 8.2, annex E)."""

    values: Mapping[str, str]


class AssociationFilter(NamedTuple):
    """A filter by association (DSP0227 8.2): selects the instances that are associated with an instance.

    ``references``: the filter selects the associations that refer to the instance, not the instances at their far ends.
    """

    path: ObjectPath
    references: bool
    assoc_class: str | None = None
    result_class: str | None = None
    role: str | None = None
    result_role: str | None = None
    properties: tuple[str, ...] | None = None


Filter = WqlFilter | SelectorFilter | AssociationFilter | None


class Enumerate(NamedTuple):
    """A request for the instances of a class, for the results of a filter, or for the definitions of classes.

    ``optimized``: the response contains the first items. ``expires``: the requested lifetime in seconds.
    """

    resource: Resource
    filter: Filter = None
    mode: str = OBJECT
    polymorphism: str = INCLUDE
    optimized: bool = False
    max_elements: int = 1
    expires: float | None = None
    with_superclasses: bool = False  # definitions list the superclasses


class Pull(NamedTuple):
    """A request for the next items of an enumeration, or for the next events of a subscription.

    ``max_elements``, ``max_characters``: how many items or events the response may have, and their size in total.
    ``seconds``: how long the response may take.
    """

    resource: Resource
    context: str
    max_elements: int = 1
    max_characters: int | None = None
    seconds: float | None = None


class Release(NamedTuple):
    """A request to end an enumeration: its context is released."""

    context: str


class Renew(NamedTuple):
    """A request to extend an enumeration; ``is_status``: GetStatus, which only asks for the remaining lifetime."""

    context: str
    expires: float | None = None
    is_status: bool = False


class Invoke(NamedTuple):
    """A request to run a method of an instance or a static method of a class; parameters are texts, None is null."""

    resource: Resource
    path: ObjectPath
    method: str
    parameters: Mapping[str, str | None]


class Delete(NamedTuple):
    """A request to delete an instance."""

    path: ObjectPath


class Change(NamedTuple):
    """A request to change an instance (Put) or to create one (Create)."""

    resource: Resource


DecodedMessage = (
    Identify
    | Get
    | Enumerate
    | Pull
    | Release
    | Renew
    | Invoke
    | Delete
    | Change
    | Subscribe
    | Unsubscribe
    | RenewSubscription
)


def decode_request(envelope: Envelope) -> DecodedMessage:
    """Decode an envelope to a request.

    Raises:
        FaultError: the action or the resource is unknown, or the request is malformed.
    """
    # Identify has no action: clients send its body without any header.
    if envelope.body is not None and envelope.body.tag == clark_name(IDENTITY, "Identify"):
        return Identify()
    action = envelope.action
    if not action:
        raise FaultError(HEADER_REQUIRED, "the header a:Action is missing", "add it, with the action to run")
    if action in ACTIONS:
        return ACTIONS[action].read(envelope, read_selectors(envelope))
    return _read_invoke(envelope, read_selectors(envelope))


def _read_resource(envelope: Envelope, selector_values: Selectors) -> Resource:
    return parse_resource(envelope.text(WSMAN, "ResourceURI"), selector_values)


def _read_get(envelope: Envelope, selector_values: Selectors) -> Get:
    resource = _read_resource(envelope, selector_values)
    if resource.is_class:
        if resource.class_name == ALL:
            raise FaultError(
                INSUFFICIENT_SELECTORS, "the selector ClassName is missing", "add it, with the name of one class"
            )
        return Get(resource, None, with_superclasses=has_option(envelope, HIERARCHY))
    return Get(resource, instance_path(resource, selector_values), envelope.text(WSMAN, "FragmentTransfer"))


def _read_change(envelope: Envelope, selector_values: Selectors) -> Change:
    return Change(_read_resource(envelope, selector_values))


def _read_delete(envelope: Envelope, selector_values: Selectors) -> Delete:
    return Delete(instance_path(_read_resource(envelope, selector_values), selector_values))


def _read_invoke(envelope: Envelope, selector_values: Selectors) -> Invoke:
    """Return the request to run the method whose name is the last part of the action (DSP0227 10.2)."""
    uri = envelope.text(WSMAN, "ResourceURI")
    action_uri, _, method = envelope.action.rpartition("/")
    # The action before the method name must be the resource URI; clients differ in the case and the slashes.
    if not uri or not method or action_uri.lower().replace("\\", "/") != uri.lower().replace("\\", "/").rstrip("/"):
        hint = "use an action of WS-Management, or the resource URI with the name of a method"
        raise FaultError(ACTION_NOT_SUPPORTED, f"unknown action '{envelope.action[:200]}'", hint)
    resource = _read_resource(envelope, selector_values)
    return Invoke(resource, instance_path(resource, selector_values), method, _read_parameters(envelope.body))


def _read_parameters(body: Element | None) -> dict[str, str | None]:
    """Return the parameters of a method as text, by name; None is null."""
    parameters: dict[str, str | None] = {}
    for element in () if body is None else body:
        parameters[local_name(element)] = (
            None if is_true(element.get(clark_name(names.XSI, "nil"))) else text_of(element)
        )
    return parameters


def _read_enumerate(envelope: Envelope, selector_values: Selectors) -> Enumerate:
    body = check_body(envelope, ENUMERATION, "Enumerate")
    resource = _read_resource(envelope, selector_values)
    # WS-Management and WS-Enumeration both define MaxElements and Filter; clients differ in which namespace they use.
    max_elements = find_child(body, clark_name(WSMAN, "MaxElements"), clark_name(ENUMERATION, "MaxElements"))
    filter_element = find_child(body, clark_name(WSMAN, "Filter"), clark_name(ENUMERATION, "Filter"))
    mode, polymorphism = (
        find_child(body, clark_name(WSMAN, "EnumerationMode")),
        find_child(body, clark_name(BINDING, "PolymorphismMode")),
    )
    enumeration = Enumerate(
        resource,
        _read_filter(filter_element) if filter_element is not None else _read_implied_filter(selector_values),
        text_of(mode) if mode is not None else OBJECT,
        text_of(polymorphism) if polymorphism is not None else INCLUDE,
        optimized=find_child(body, clark_name(WSMAN, "OptimizeEnumeration")) is not None,
        max_elements=1 if max_elements is None else parse_number(text_of(max_elements), "MaxElements"),
        expires=_read_expires(body),
        with_superclasses=resource.is_class and has_option(envelope, HIERARCHY),
    )
    for value, valid_values, element_name in (
        (enumeration.mode, (OBJECT, EPR, OBJECT_AND_EPR, "EnumerateObject"), "EnumerationMode"),
        (enumeration.polymorphism, (INCLUDE, EXCLUDE, NONE), "PolymorphismMode"),
    ):
        if value not in valid_values:
            expected = ", ".join(filter(None, valid_values))
            raise FaultError(INVALID_PARAMETER, f"invalid {element_name} '{value[:40]}': expected one of {expected}")
    return enumeration


def _read_implied_filter(selector_values: Selectors) -> SelectorFilter | None:
    """Return a filter by the selectors that do not name the resource; None if there are none."""
    values = {name: value for name, value in selector_values.items() if name.lower() not in {NAMESPACE, "classname"}}
    return SelectorFilter({name: str(value) for name, value in values.items()}) if values else None


def _read_filter(element: Element) -> Filter:
    dialect = element.get("Dialect", "").strip()
    reader = {uri.lower(): reader for uri, reader in _FILTERS.items()}.get(dialect.lower())
    if reader is None:
        dialects = ", ".join(_FILTERS)
        raise FaultError(
            DIALECT_UNAVAILABLE, f"unknown filter dialect '{dialect[:200]}'", f"use one of these: {dialects}"
        )
    return reader(element)


def _read_wql(element: Element) -> WqlFilter:
    return WqlFilter(text_of(element))


def _read_selector_filter(element: Element) -> SelectorFilter:
    selector_set = find_child(element, clark_name(WSMAN, "SelectorSet"))
    if selector_set is None:
        raise FaultError(
            CANNOT_PROCESS_FILTER, "the filter has no w:SelectorSet", "add it, with property names and values"
        )
    return SelectorFilter({selector.get("Name", ""): text_of(selector) for selector in selector_set})


def _read_association_filter(element: Element) -> AssociationFilter:
    references_by_tag = {
        clark_name(BINDING, "AssociatedInstances"): False, clark_name(BINDING, "AssociationInstances"): True,
    }  # fmt: skip
    filter_element = find_child(element, *references_by_tag)
    object_element = None if filter_element is None else find_child(filter_element, clark_name(BINDING, "Object"))
    if filter_element is None or object_element is None:
        hint = "send b:AssociatedInstances or b:AssociationInstances with a b:Object, the instance to start from"
        raise FaultError(CANNOT_PROCESS_FILTER, "the association filter has no b:Object", hint)
    options = {local_name(child): text_of(child) for child in filter_element if namespace_of(child) == BINDING}
    property_tag = clark_name(BINDING, "IncludeResultProperty")
    properties = [text_of(child) for child in filter_element if child.tag == property_tag]
    if len(properties) > MAX_PROPERTIES:
        raise FaultError(
            CANNOT_PROCESS_FILTER, f"too many properties: {len(properties)}", f"select at most {MAX_PROPERTIES}"
        )
    return AssociationFilter(
        parse_reference(object_element), references_by_tag[filter_element.tag],
        options.get("AssociationClassName"), options.get("ResultClassName"),
        options.get("Role"), options.get("ResultRole"), tuple(properties) or None,
    )  # fmt: skip


def _read_pull(envelope: Envelope, selector_values: Selectors) -> Pull:
    body = check_body(envelope, ENUMERATION, "Pull")
    max_elements = find_child(body, clark_name(ENUMERATION, "MaxElements"), clark_name(WSMAN, "MaxElements"))
    characters, time = (
        find_child(body, clark_name(ENUMERATION, "MaxCharacters")),
        find_child(body, clark_name(ENUMERATION, "MaxTime")),
    )
    uri = envelope.text(WSMAN, "ResourceURI")
    return Pull(
        # The context identifies the enumeration, so a client may omit the resource.
        parse_resource(uri, selector_values) if uri else Resource("root/cimv2", ALL),
        _read_context(body),
        1 if max_elements is None else parse_number(text_of(max_elements), "MaxElements"),
        None if characters is None else parse_number(text_of(characters), "MaxCharacters"),
        None if time is None else parse_duration(text_of(time), "MaxTime"),
    )


def _read_release(envelope: Envelope, _: Selectors) -> Release:
    return Release(_read_context(check_body(envelope, ENUMERATION, "Release")))


def _read_renew(envelope: Envelope, _: Selectors) -> Renew:
    body = check_body(envelope, ENUMERATION, "Renew")
    return Renew(_read_context(body), _read_expires(body))


def _read_status(envelope: Envelope, _: Selectors) -> Renew:
    return Renew(_read_context(check_body(envelope, ENUMERATION, "GetStatus")), is_status=True)


def _read_context(body: Element) -> str:
    element = find_child(body, clark_name(ENUMERATION, "EnumerationContext"))
    text = "" if element is None else text_of(element)
    # A longer text cannot be a context of this server.
    if not text or len(text) > MAX_CONTEXT_LENGTH:
        raise FaultError(INVALID_CONTEXT, "there is no such enumeration", "start a new one")
    return text


def _read_expires(body: Element) -> float | None:
    element = find_child(body, clark_name(ENUMERATION, "Expires"))
    return None if element is None else parse_expires(element, INVALID_EXPIRATION, UNSUPPORTED_EXPIRATION)


_FILTERS: Mapping[str, Callable[[Element], Filter]] = {
    names.WQL: _read_wql,
    names.SELECTOR_FILTER: _read_selector_filter,
    names.ASSOCIATION_FILTER: _read_association_filter,
}


class ActionRow(NamedTuple):
    """A row of ACTIONS: the class of the request, and the function that reads the request from its envelope."""

    message: type
    read: Callable[[Envelope, Selectors], DecodedMessage]


ACTIONS: Mapping[str, ActionRow] = {
    names.GET: ActionRow(Get, _read_get),
    names.ENUMERATE: ActionRow(Enumerate, _read_enumerate),
    names.PULL: ActionRow(Pull, _read_pull),
    names.RELEASE: ActionRow(Release, _read_release),
    names.RENEW: ActionRow(Renew, _read_renew),
    names.GET_STATUS: ActionRow(Renew, _read_status),
    names.PUT: ActionRow(Change, _read_change),
    names.CREATE: ActionRow(Change, _read_change),
    names.DELETE: ActionRow(Delete, _read_delete),
    names.SUBSCRIBE: ActionRow(Subscribe, read_subscribe),
    names.UNSUBSCRIBE: ActionRow(Unsubscribe, read_unsubscribe),
    names.RENEW_SUBSCRIPTION: ActionRow(RenewSubscription, read_renew),
    names.SUBSCRIPTION_STATUS: ActionRow(RenewSubscription, read_status),
}
"""The requests of WS-Management by action; any other action is a request to run a method (Invoke)."""


def operation_name(action: str) -> str:
    """Return the name of the request with an action, such as Pull.

    A request without an action counts as Identify, a request with an unknown action as Invoke.
    """
    if not action:
        return "Identify"
    return action.rpartition("/")[2] if action in ACTIONS else "Invoke"
