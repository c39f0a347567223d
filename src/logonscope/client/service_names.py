"""Service names in targets: ":ssh" means ":22", by /etc/services of this machine (services(5))."""

from logonscope.answers.whose_target import service_name
from logonscope.errors import InvalidParameterError


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
        port = socket.getservbyname(service.lower())
    except OSError:
        raise InvalidParameterError(
            f"no service {service!r} in /etc/services", "give :PORT with a number from 1 to 65535, such as :8080"
        ) from None
    return f"{target.removesuffix(service)}{port}"
