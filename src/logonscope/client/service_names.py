"""Names of services in targets: ":ssh" is ":22", as /etc/services of this machine has it (services(5))."""

from logonscope.answers.whose_target import service_of
from logonscope.errors import InvalidParameterError


def with_port(target: str) -> str:
    """Return a target with the number of the port in place of a service's name.

    Raises:
        InvalidParameterError: there is no such service.
    """
    service = service_of(target)
    if service is None:
        return target
    import socket  # noqa: PLC0415 -- seldom asked for

    try:
        port = socket.getservbyname(service.lower())
    except OSError:
        raise InvalidParameterError(
            f"no service {service!r} in /etc/services", "give :PORT with a number from 1 to 65535, as :8080"
        ) from None
    return f"{target.removesuffix(service)}{port}"
