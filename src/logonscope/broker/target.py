"""Which class, which instance, on which host? Holds what a caller names against the schema and this host."""

from logonscope.broker.view import Broker
from logonscope.cim.binding import Target, bind, example, is_dot
from logonscope.cim.classes import Class, command
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.cim.schema import CIMV2, schema
from logonscope.errors import InvalidNamespaceError, InvalidObjectPathError
from logonscope.machine import NO_PROCESSES, Needs
from logonscope.providers.helpers.machine import computer_name


def namespace_of(broker: Broker, name: str | None) -> str:
    r"""Return a namespace that a caller names, with or without a server: "root\cimv2", "\\.\root/cimv2".

    Raises:
        InvalidNamespaceError: there is none of that name here.
    """
    if name is None:
        return CIMV2
    server, words = _server_of(name.replace("/", "\\"))
    if server and not is_here(broker, server):
        raise InvalidNamespaceError(f"{server} is another host", "write a dot for this one")
    return schema().namespace(words)


def _server_of(name: str) -> tuple[str, str]:
    """Return the server that a name starts with, "" where there is none, and what follows."""
    if not name.startswith("\\\\"):
        return "", name
    server, _, words = name[2:].partition("\\")
    return server, words


def class_of(broker: Broker, name: str, namespace: str | None = None) -> Class:
    """Return a class that a caller names.

    Raises:
        InvalidNamespaceError: there is no such namespace.
        InvalidClassError: it has no such class.
    """
    return schema().get(name, namespace_of(broker, namespace))


def target_of(broker: Broker, path: str | ObjectPath, namespace: str | None = None) -> Target:
    """Return what an object path names on this host.

    Raises:
        InvalidObjectPathError: it is no object path, or its keys are not those of its class.
        InvalidNamespaceError: it names a namespace or a host that this is not.
        InvalidClassError: it names a class that is not there.
        TypeMismatchError: a key's value is not of the key's type.
    """
    parsed = parse_path(path) if isinstance(path, str) else path
    return bind(parsed, schema(), namespace_of(broker, namespace), lambda server: is_here(broker, server))


def instance_of(broker: Broker, path: str | ObjectPath, namespace: str | None = None) -> Target:
    """Return the instance that an object path names on this host; whether it is there is not looked at.

    Raises:
        InvalidObjectPathError: also where it names a class.
    """
    return instance(target_of(broker, path, namespace))


def instance(target: Target) -> Target:
    """Return the target where it is an instance.

    Raises:
        InvalidObjectPathError: it is a class.
    """
    if target.keys is None:
        raise InvalidObjectPathError(
            f"{target.cls.name} is a class, not an instance",
            f"give a key, as {example(target.cls)}, or see {command(f'class {target.cls.name}', target.cls.namespace)}",
        )
    return target


def is_here(broker: Broker, server: str) -> bool:
    """Tell whether a server is this host."""
    return is_dot(server) or server.lower() == host_name(broker).lower()


def host_name(broker: Broker) -> str:
    """Return the name of the host, as __SERVER has it."""
    return computer_name(broker.source.observe(Needs(pids=NO_PROCESSES)).machine)
