"""Which class does a resource URI mean, and which instance an endpoint reference?

Two forms of URI (MS-WSMV 3.1.4.1.1, DSP0227 6): Microsoft's has the namespace in it, DMTF's has it as the selector
__cimnamespace. An instance's keys are selectors; one that is a reference holds an endpoint reference of its own.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.cim.binding import MOST_NESTED
from logonscope.cim.classes import CIMV2
from logonscope.cim.paths import MOST_KEYS, ObjectPath
from logonscope.wire.wsman.faults import (
    HEADER_REQUIRED,
    INSUFFICIENT_SELECTORS,
    INVALID_RESOURCE,
    UNEXPECTED_SELECTORS,
    FaultError,
)
from logonscope.wire.wsman.names import ADDRESSING, CIM_ALL, CIM_SCHEMA, CLASSES, NAMESPACE, SHELLS, WMI, WSMAN
from logonscope.wire.xml import Element, child, clark, content

Selectors = Mapping[str, "str | ObjectPath"]

ALL = "*"
_EPR, _PARAMETERS, _URI, _SET, _SELECTOR = (
    clark(ADDRESSING, "EndpointReference"), clark(ADDRESSING, "ReferenceParameters"), clark(WSMAN, "ResourceURI"),
    clark(WSMAN, "SelectorSet"), clark(WSMAN, "Selector"),
)  # fmt: skip
_HINT = f"write {WMI}/root/cimv2/Win32_Process"


class Resource(NamedTuple):
    """A class, or all of a namespace (class_name "*").

    Attributes:
        namespace: as root/cimv2.
        class_name: the class.
        is_wmi: the URI is Microsoft's form: it has the namespace in it.
        is_class: the definition of a class is meant, not instances.
    """

    namespace: str
    class_name: str
    is_wmi: bool = True
    is_class: bool = False

    @property
    def base(self) -> str:
        """Return what stands before the class in the URIs of this form and namespace."""
        return f"{WMI}/{self.namespace}" if self.is_wmi else CIM_SCHEMA


def uri_of(namespace: str, class_name: str = ALL) -> str:
    """Return the URI of a class, or of all of a namespace, in Microsoft's form: the one that Windows has always had."""
    return f"{Resource(namespace.replace(chr(92), '/'), class_name).base}/{class_name}"


def resource(uri: str, selectors: Selectors) -> Resource:
    """Return what a URI means.

    Raises:
        FaultError: it is none of the forms, or there is none.
    """
    if not uri:
        raise FaultError(HEADER_REQUIRED, "the header w:ResourceURI is missing", _HINT)
    slashed = uri.replace("\\", "/")
    folded = slashed.lower()
    named = selectors.get(NAMESPACE)
    namespace = (named if isinstance(named, str) else CIMV2).replace("\\", "/").lower()
    if folded.startswith(f"{WMI.lower()}/"):
        within, _, name = slashed[len(WMI) + 1 :].strip("/").rpartition("/")
        if within and name:
            return Resource(within.lower(), name)
    elif folded == CIM_ALL.lower():
        return Resource(namespace, ALL, is_wmi=False)
    elif folded == CLASSES.lower():
        return _definition(namespace, selectors)
    elif folded.startswith(f"{CIM_SCHEMA.lower()}/"):
        name = slashed[len(CIM_SCHEMA) + 1 :]
        if name and "/" not in name:
            return Resource(namespace, name, is_wmi=False)
    raise FaultError(INVALID_RESOURCE, f"there is no resource '{uri[:200]}'", _HINT)


def check_no_shell(*uris: str) -> None:
    """Check that none of these URIs, of a resource or an action, is that of a remote shell.

    Raises:
        FaultError: one is.
    """
    for uri in uris:
        if uri.lower().startswith(SHELLS):
            raise FaultError(
                INVALID_RESOURCE,
                "there are no remote shells here, neither PowerShell nor cmd: this server answers WMI queries alone",
                "run commands over ssh; query classes of root/cimv2 by WQL",
            )


def _definition(namespace: str, selectors: Selectors) -> Resource:
    given = {name.lower(): value for name, value in selectors.items()}
    name = given.get("classname")  # empty, as Windows' clients send it for all classes
    return Resource(namespace, name if name and isinstance(name, str) else ALL, is_wmi=False, is_class=True)


def path_of(where: Resource, selectors: Selectors) -> ObjectPath:
    """Return the object path of an instance: the selectors are its keys.

    Raises:
        FaultError: it is all classes, or the selectors are missing.
    """
    if where.class_name == ALL:
        raise FaultError(INVALID_RESOURCE, "an instance is of one class, and '*' is all", _HINT)
    keys = tuple(
        (name, str(value) if isinstance(value, ObjectPath) else value)
        for name, value in selectors.items()
        if name.lower() != NAMESPACE
    )
    return ObjectPath(where.class_name, keys, where.namespace)


def needs_keys(path: ObjectPath, keys: Iterable[str]) -> None:
    """See that a path names every key and nothing else, which the faults of selectors tell apart (DSP0226 5.4.2.2).

    Raises:
        FaultError: a selector is missing, or is no key.
    """
    wanted, given = {key.lower(): key for key in keys}, {str(name).lower(): name for name, _ in path.keys or ()}
    for folded, name in given.items():
        if folded not in wanted:
            raise FaultError(
                UNEXPECTED_SELECTORS, f"{name} is no key of {path.class_name}", f"it has {', '.join(wanted.values())}"
            )
    for folded, name in wanted.items():
        if folded not in given:
            raise FaultError(INSUFFICIENT_SELECTORS, f"the selector {name} is missing", f"{path.class_name} needs it")


def selectors_of(element: Element | None, depth: int = 0) -> dict[str, str | ObjectPath]:
    """Return the selectors of a w:SelectorSet by name.

    Raises:
        FaultError: one has no name, stands twice, or holds an endpoint reference that is none; there are too many.
    """
    found: dict[str, str | ObjectPath] = {}
    for selector in () if element is None else element.findall(_SELECTOR):
        name = selector.get("Name", "").strip()
        if not name or name.lower() in {known.lower() for known in found} or len(found) == MOST_KEYS:
            raise FaultError(UNEXPECTED_SELECTORS, f"the selector '{name}' has no place", "give each key once")
        reference = child(selector, _EPR)
        if reference is None and child(selector, _PARAMETERS) is not None:
            reference = selector  # without its wrapper, as OMI writes it
        found[name] = content(selector) if reference is None else reference_of(reference, depth + 1)
    return found


def reference_of(element: Element, depth: int = 0) -> ObjectPath:
    """Return the object path of an endpoint reference, which may stand in a wrapper of its own or not.

    Raises:
        FaultError: it is none.
    """
    if depth > MOST_NESTED:
        raise FaultError(UNEXPECTED_SELECTORS, "endpoint references stand in each other too deep", "name the instance")
    wrapped = child(element, _EPR)
    parameters = child(element if wrapped is None else wrapped, _PARAMETERS)
    uri = None if parameters is None else child(parameters, _URI)
    if parameters is None or uri is None:
        raise FaultError(UNEXPECTED_SELECTORS, "there is no endpoint reference", "it has a w:ResourceURI")
    selectors = selectors_of(child(parameters, _SET), depth)
    return path_of(resource(content(uri), selectors), selectors)
