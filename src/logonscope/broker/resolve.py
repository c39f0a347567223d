"""Which class, which instance, on which host? Holds what a caller names against the schema and this host."""

from logonscope.broker.request import Request
from logonscope.cim.binding import Target, bind, example, is_dot
from logonscope.cim.classes import Class
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.cim.schema import CIMV2
from logonscope.errors import InvalidNamespaceError, InvalidObjectPathError


def namespace_of(request: Request, name: str | None) -> str:
    r"""Return a namespace that a caller names, with or without a server: "root\cimv2", "\\.\root/cimv2".

    Raises:
        InvalidNamespaceError: there is none of that name here.
    """
    if name is None:
        return CIMV2
    server, words = _server_of(name.replace("/", "\\"))
    if server and not is_here(request, server):
        raise InvalidNamespaceError(f"{server} is another host", "write a dot for this one")
    return request.schema.namespace(words)


def _server_of(name: str) -> tuple[str, str]:
    """Return the server that a name starts with, "" where there is none, and what follows."""
    if not name.startswith("\\\\"):
        return "", name
    server, _, words = name[2:].partition("\\")
    return server, words


def class_of(request: Request, name: str, namespace: str | None = None) -> Class:
    """Return a class that a caller names.

    Raises:
        InvalidNamespaceError: there is no such namespace.
        InvalidClassError: it has no such class.
    """
    return request.schema.get(name, namespace_of(request, namespace))


def target_of(request: Request, path: str | ObjectPath, namespace: str | None = None) -> Target:
    """Return what an object path names on this host.

    Raises:
        InvalidObjectPathError: it is no object path, or its keys are not those of its class.
        InvalidNamespaceError: it names a namespace or a host that this is not.
        InvalidClassError: it names a class that is not there.
        TypeMismatchError: a key's value is not of the key's type.
    """
    parsed = parse_path(path) if isinstance(path, str) else path
    return bind(parsed, request.schema, namespace_of(request, namespace), lambda server: is_here(request, server))


def instance_of(request: Request, path: str | ObjectPath, namespace: str | None = None) -> Target:
    """Return the instance that an object path names on this host; whether it is there is not looked at.

    Raises:
        InvalidObjectPathError: also where it names a class.
    """
    return instance(target_of(request, path, namespace))


def instance(target: Target) -> Target:
    """Return the target where it is an instance.

    Raises:
        InvalidObjectPathError: it is a class.
    """
    if target.keys is None:
        raise InvalidObjectPathError(
            f"{target.cls.name} is a class, not an instance",
            f"give a key, as {example(target.cls)}",
        )
    return target


def is_here(request: Request, server: str) -> bool:
    """Tell whether a server is this host."""
    return is_dot(server) or server.lower() == request.host_name.lower()
