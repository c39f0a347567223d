"""Resource URIs and selectors: parsed into classes and object paths.

There are two forms of URI (MS-WSMV 3.1.4.1.1, DSP0227 6): Microsoft's form contains the namespace; with DMTF's form,
the namespace is in the selector __cimnamespace. The keys of an instance are selectors; if a key is a reference, its
selector contains the endpoint reference of the other instance.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.cim.binding import MAX_DEPTH
from logonscope.cim.classes import CIMV2
from logonscope.cim.paths import MAX_KEYS, ObjectPath
from logonscope.wire.wsman.faults import (
    HEADER_REQUIRED,
    INSUFFICIENT_SELECTORS,
    INVALID_RESOURCE,
    UNEXPECTED_SELECTORS,
    FaultError,
)
from logonscope.wire.wsman.names import ADDRESSING, CIM_ALL, CIM_SCHEMA, CLASSES, NAMESPACE, SHELLS, WMI, WSMAN
from logonscope.wire.xml import Element, clark_name, find_child, text_of

Selectors = Mapping[str, "str | ObjectPath"]

ALL = "*"
"""In the place of a class name: all classes of a namespace."""

_EPR, _PARAMETERS, _URI, _SET, _SELECTOR = (
    clark_name(ADDRESSING, "EndpointReference"), clark_name(ADDRESSING, "ReferenceParameters"),
    clark_name(WSMAN, "ResourceURI"), clark_name(WSMAN, "SelectorSet"), clark_name(WSMAN, "Selector"),
)  # fmt: skip
_HINT = f"use a URI such as {WMI}/root/cimv2/Win32_Process"


class Resource(NamedTuple):
    """A class, or all classes of a namespace (class_name "*").

    Attributes:
        namespace: with slashes, such as root/cimv2.
        class_name: the name of the class, or "*".
        is_wmi: the URI has Microsoft's form, which contains the namespace.
        is_class: the request is for the definition of the class, not for instances.
    """

    namespace: str
    class_name: str
    is_wmi: bool = True
    is_class: bool = False

    @property
    def uri_base(self) -> str:
        """Return the part of the URI before the class name."""
        return f"{WMI}/{self.namespace}" if self.is_wmi else CIM_SCHEMA


def resource_uri(namespace: str, class_name: str = ALL) -> str:
    """Return the URI of a class, or of all classes of a namespace, in Microsoft's form, which every Windows accepts."""
    return f"{Resource(namespace.replace(chr(92), '/'), class_name).uri_base}/{class_name}"


def parse_resource(uri: str, selectors: Selectors) -> Resource:
    """Parse a resource URI.

    Raises:
        FaultError: the URI is missing, or has an unknown form.
    """
    if not uri:
        raise FaultError(HEADER_REQUIRED, "the header w:ResourceURI is missing", _HINT)
    # clients made for Windows also write backslashes in place of slashes, and differ in upper and lower case
    slashed = uri.replace("\\", "/")
    folded = slashed.lower()
    namespace = _text_selector(selectors, NAMESPACE, CIMV2).replace("\\", "/").lower()
    if folded.startswith(f"{WMI.lower()}/"):
        uri_namespace, _, name = slashed[len(WMI) + 1 :].strip("/").rpartition("/")
        if uri_namespace and name:
            return Resource(uri_namespace.lower(), name)
    elif folded == CIM_ALL.lower():
        return Resource(namespace, ALL, is_wmi=False)
    elif folded == CLASSES.lower():
        # Windows' clients send an empty selector ClassName for all classes.
        name = _text_selector(selectors, "classname", "") or ALL
        return Resource(namespace, name, is_wmi=False, is_class=True)
    elif folded.startswith(f"{CIM_SCHEMA.lower()}/"):
        name = slashed[len(CIM_SCHEMA) + 1 :]
        if name and "/" not in name:
            return Resource(namespace, name, is_wmi=False)
    raise FaultError(INVALID_RESOURCE, f"unknown resource '{uri[:200]}'", _HINT)


def check_no_shell(*uris: str) -> None:
    """Check that no URI, of a resource or an action, belongs to a remote shell.

    Raises:
        FaultError: a URI belongs to a remote shell.
    """
    for uri in uris:
        if uri.lower().startswith(SHELLS):
            raise FaultError(
                INVALID_RESOURCE,
                "remote shells (PowerShell, cmd) are not supported: this server answers only WMI queries",
                "run commands over ssh; query classes of root/cimv2 by WQL",
            )


def _text_selector(selectors: Selectors, folded_name: str, default: str) -> str:
    """Return the text of a selector, found without regard to case; ``default`` if no such selector has a text."""
    return next(
        (value for name, value in selectors.items() if name.lower() == folded_name and isinstance(value, str)), default
    )


def instance_path(resource: Resource, selectors: Selectors) -> ObjectPath:
    """Return the object path of an instance, whose keys are the selectors.

    Raises:
        FaultError: the resource is all classes of a namespace.
    """
    if resource.class_name == ALL:
        raise FaultError(INVALID_RESOURCE, "invalid class '*' of an instance: expected one class", _HINT)
    keys = tuple(
        (name, str(value) if isinstance(value, ObjectPath) else value)
        for name, value in selectors.items()
        if name.lower() != NAMESPACE
    )
    return ObjectPath(resource.class_name, keys, resource.namespace)


def check_keys(path: ObjectPath, keys: Iterable[str]) -> None:
    """Check that a path has exactly the keys of its class; the standard has a fault for each case (DSP0226 5.4.2.2).

    Raises:
        FaultError: a selector is missing, or is not a key.
    """
    class_keys = {key.lower(): key for key in keys}
    path_keys = {str(name).lower(): name for name, _ in path.keys or ()}
    for folded, name in path_keys.items():
        if folded not in class_keys:
            raise FaultError(
                UNEXPECTED_SELECTORS,
                f"{name} is not a key of {path.class_name}",
                f"its keys: {', '.join(class_keys.values())}",
            )
    for folded, name in class_keys.items():
        if folded not in path_keys:
            raise FaultError(
                INSUFFICIENT_SELECTORS, f"the selector {name} is missing", f"it is a key of {path.class_name}"
            )


def parse_selectors(element: Element | None, depth: int = 0) -> dict[str, str | ObjectPath]:
    """Return the selectors of a w:SelectorSet by name; ``depth`` counts the endpoint references around the set.

    Raises:
        FaultError: a selector has no name, is repeated, or has an invalid endpoint reference; there are too many.
    """
    selectors: dict[str, str | ObjectPath] = {}
    for selector in () if element is None else element.findall(_SELECTOR):
        name = selector.get("Name", "").strip()
        is_duplicate = name.lower() in {earlier_name.lower() for earlier_name in selectors}
        if not name or is_duplicate or len(selectors) == MAX_KEYS:
            raise FaultError(
                UNEXPECTED_SELECTORS, f"duplicate, unnamed or surplus selector '{name}'", "give each key once"
            )
        reference = find_child(selector, _EPR)
        # OMI writes a reference into the selector without the wrapper a:EndpointReference.
        if reference is None and find_child(selector, _PARAMETERS) is not None:
            reference = selector
        selectors[name] = text_of(selector) if reference is None else parse_reference(reference, depth + 1)
    return selectors


def parse_reference(element: Element, depth: int = 0) -> ObjectPath:
    """Return the object path of an endpoint reference, with or without the wrapper a:EndpointReference.

    Raises:
        FaultError: the reference is invalid.
    """
    # Each nested reference is a recursive call, so the client must not choose the depth.
    if depth > MAX_DEPTH:
        raise FaultError(
            UNEXPECTED_SELECTORS, f"endpoint references are nested more than {MAX_DEPTH} deep", "name the instance"
        )
    wrapped = find_child(element, _EPR)
    parameters = find_child(element if wrapped is None else wrapped, _PARAMETERS)
    uri = None if parameters is None else find_child(parameters, _URI)
    if parameters is None or uri is None:
        raise FaultError(UNEXPECTED_SELECTORS, "invalid endpoint reference: it has no w:ResourceURI", "add one")
    selectors = parse_selectors(find_child(parameters, _SET), depth)
    return instance_path(parse_resource(text_of(uri), selectors), selectors)
