"""Checks of filters and moments that a caller gives: collections, texts, networks, flags and times.

Also the comparison of a remote host with the origins of a filter.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from logonscope.errors import InvalidParameterError

Value = TypeVar("Value")


def checked_set(name: str, values: Any, check: Callable[[Any], Value]) -> frozenset[Value] | None:
    """Return the values of a field as a set, each as ``check`` returns it; None for None.

    Raises:
        InvalidParameterError: the field is a text or no collection, or a value is invalid.
    """
    if values is None:
        return None
    # a text is a collection, too: of its letters, which the caller did not mean
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        raise InvalidParameterError(f"invalid {name} {values!r}: expected a set", f"give {{{values!r}}}")
    return frozenset(check(value) for value in values)


def check_text(name: str, value: Any) -> str:
    """Return a text; ``name`` names it in the error.

    Raises:
        InvalidParameterError: it is no text.
    """
    if not isinstance(value, str):
        raise InvalidParameterError(f"invalid {name} {value!r}: expected text", f"give {str(value)!r}")
    return value


def check_origin(value: Any) -> str:
    """Return a text that is a remote host, an IP address or, if it has a slash, a network.

    Raises:
        InvalidParameterError: it is no text, or an invalid network.
    """
    if "/" in check_text("origin", value):
        import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise InvalidParameterError(f"invalid network {value!r}: expected a network such as 192.0.2.0/24") from None
    return str(value)


def comes_from(remote_host: str | None, origins: Collection[str]) -> bool:
    """Return whether a remote host is one of these origins, or an address in one of these networks; None: False.

    Names are compared in any case, and IPv6 addresses in any of their forms.
    """
    if remote_host is None:
        return False
    host = remote_host.lower()
    return any(host == origin.lower() or _is_in_network(host, origin) for origin in origins)


def _is_in_network(host: str, origin: str) -> bool:
    """Return whether an address is in a network, or is the same IPv6 address; False if either is invalid."""
    if "/" not in origin and ":" not in origin:
        return False
    import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

    try:
        return ipaddress.ip_address(host.partition("%")[0]) in ipaddress.ip_network(origin, strict=False)
    except ValueError:
        return False


def check_key(value: Any) -> str:
    """Return the fingerprint of an ssh key, or its beginning.

    Raises:
        InvalidParameterError: it is no text.
    """
    if not isinstance(value, str):
        raise InvalidParameterError(f"invalid key {value!r}: expected a fingerprint such as 'SHA256:mVPw'")
    return value


def check_flag(name: str, value: Any) -> None:
    """Check a flag, which ``name`` names in the error: a text such as "no" would count as true.

    Raises:
        InvalidParameterError: it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise InvalidParameterError(f"invalid {name} {value!r}: expected True or False")


def check_time(name: str, value: Any) -> None:
    """Check a time, which ``name`` names in the error.

    Raises:
        InvalidParameterError: it is no datetime, has no time zone, or is in no year from 1 to 9999 in UTC.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidParameterError(
            f"invalid {name} {value!r}: expected a datetime with a time zone", "give TIME.astimezone()"
        )
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise InvalidParameterError(f"invalid {name} {value!r}: expected a year from 1 to 9999 in UTC") from None
