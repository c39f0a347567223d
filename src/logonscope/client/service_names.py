"""Service names in targets: ":ssh" means ":22", by services(5) of this machine.

A client of the JSON API sends a target with its service name: services(5) of the server's machine has the port.
"""

from threading import Lock

from logonscope.answers.whose_target import service_name
from logonscope.errors import InvalidParameterError

_LOCK = Lock()  # getservbyname(3) is not safe to call in several threads at once


def with_port(target: str) -> str:
    """Return a target with the service name, if it has one, replaced by the port number.

    Raises:
        InvalidParameterError: /etc/services has no such service.
    """
    service = service_name(target)
    if service is None:
        return target
    import socket  # noqa: PLC0415 -- rarely used

    try:
        with _LOCK:
            port = socket.getservbyname(service.lower())
    except OSError:
        raise InvalidParameterError(
            f"no service {service!r} in /etc/services", "give :PORT with a number from 1 to 65535, such as :8080"
        ) from None
    return f"{target.removesuffix(service)}{port}"
