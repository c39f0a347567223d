"""Resolution of names: finds the namespace, class or instance that a caller names, in the schema and on this host."""

from functools import partial

from logonscope.broker.request import Request
from logonscope.cim.binding import Target, bind_path, example_path, is_own_name
from logonscope.cim.classes import Class, show_class_hint
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.cim.schema import CIMV2
from logonscope.errors import InvalidNamespaceError, InvalidObjectPathError


def namespace_of(request: Request, name: str | None) -> str:
    r"""Return the namespace that a caller names, with or without a server: "root\cimv2", "\\.\root/cimv2".

    If the name is None, the namespace is "root\cimv2".

    Raises:
        InvalidNamespaceError: there is no such namespace, or the server is another host.
    """
    if name is None:
        return CIMV2
    server, rest = _split_server(name.replace("/", "\\"))
    if server and not is_here(request, server):
        raise InvalidNamespaceError(f"{server} is another host", "write a dot for this one")
    return request.schema.namespace(rest)


def _split_server(name: str) -> tuple[str, str]:
    """Split a name into the server that it starts with, or "", and the rest."""
    if not name.startswith("\\\\"):
        return "", name
    server, _, rest = name[2:].partition("\\")
    return server, rest


def class_of(request: Request, name: str, namespace: str | None = None) -> Class:
    """Return the class that a caller names.

    Raises:
        InvalidNamespaceError: as for ``namespace_of``.
        InvalidClassError: the namespace has no such class.
    """
    return request.schema.get(name, namespace_of(request, namespace))


def target_of(request: Request, path: str | ObjectPath, namespace: str | None = None) -> Target:
    """Return the class or instance that an object path names on this host.

    Raises:
        InvalidObjectPathError: the text is not an object path, or the path has other keys than its class.
        InvalidNamespaceError: the path names another host, or a namespace that does not exist.
        InvalidClassError: the path names a class that does not exist.
        TypeMismatchError: a key's value is not of the key's type.
    """
    parsed = parse_path(path) if isinstance(path, str) else path
    return bind_path(parsed, request.schema, namespace_of(request, namespace), partial(is_here, request))


def instance_of(request: Request, path: str | ObjectPath, namespace: str | None = None) -> Target:
    """Return the instance that an object path names on this host; whether it exists is not checked.

    Raises:
        InvalidObjectPathError: as for ``target_of``, and if the path names a class.
        Others: as for ``target_of``.
    """
    return require_instance(target_of(request, path, namespace))


def require_instance(target: Target) -> Target:
    """Return the target if it is an instance.

    Raises:
        InvalidObjectPathError: the target is a class.
    """
    if target.keys is None:
        raise InvalidObjectPathError(
            f"{target.cls.name} is a class, not an instance",
            show_class_hint(
                target.cls.name, target.cls.namespace, f"; for an instance, use {example_path(target.cls)}"
            ),
        )
    return target


def is_here(request: Request, server: str) -> bool:
    """Return whether a server name means this host."""
    return is_own_name(server) or server.lower() == request.host_name.lower()
