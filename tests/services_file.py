"""Whether this machine has /etc/services (services(5)), with the names that tests use."""

import socket


def _has_services() -> bool:
    try:
        return (socket.getservbyname("ssh"), socket.getservbyname("http-alt")) == (22, 8080)
    except OSError:
        return False


HAS_SERVICES = _has_services()
