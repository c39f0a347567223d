"""Checks of the values in filters and of moments, and the comparison of a remote host with the origins of a filter."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from logonscope.errors import InvalidParameterError

Value = TypeVar("Value")


def checked_set(name: str, values: Any, check: Callable[[Any], Value]) -> frozenset[Value] | None:
    """Return the values of a field as a set, each as ``check`` returns it; None for None.

    Raises:
        InvalidParameterError: the field is not a collection, it is a text, or one of its values is invalid.
    """
    if values is None:
        return None
    # A text is rejected although it is a collection of its letters: a caller who gives a text means one value.
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        raise InvalidParameterError(f"invalid {name} {values!r}: expected a set", f"give {{{values!r}}}")
    return frozenset(check(value) for value in values)


def check_text(name: str, value: Any) -> str:
    """Return the value, which must be a text; ``name`` names it in the error.

    Raises:
        InvalidParameterError: the value is not a text.
    """
    if not isinstance(value, str):
        raise InvalidParameterError(f"invalid {name} {value!r}: expected text", f"give {str(value)!r}")
    return value


def check_origin(value: Any) -> str:
    """Return the value, which must be a remote host, an IP address or, if it has a slash, a network.

    Raises:
        InvalidParameterError: the value is not a text, or is an invalid network.
    """
    if "/" in check_text("origin", value):
        import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise InvalidParameterError(f"invalid network {value!r}: expected a network such as 192.0.2.0/24") from None
    return str(value)


def comes_from(remote_host: str | None, origins: Collection[str]) -> bool:
    """Return whether a remote host is one of the origins, or an address in a network among them; False for None.

    Upper and lower case of a name are equal, and so are all spellings of an IPv6 address.
    """
    if remote_host is None:
        return False
    host = remote_host.lower()
    return any(host == origin.lower() or _is_in_network(host, origin) for origin in origins)


def _is_in_network(host: str, origin: str) -> bool:
    """Return whether ``host`` is an address in the network ``origin``, or the same IPv6 address as ``origin``.

    False if ``host`` or ``origin`` is a name, or is invalid.
    """
    if "/" not in origin and ":" not in origin:
        return False
    import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

    try:
        return ipaddress.ip_address(host.partition("%")[0]) in ipaddress.ip_network(origin, strict=False)
    except ValueError:
        return False


def check_key(value: Any) -> str:
    """Return the value, which must be the fingerprint of an ssh key, or the beginning of one.

    Raises:
        InvalidParameterError: the value is not a text.
    """
    if not isinstance(value, str):
        raise InvalidParameterError(f"invalid key {value!r}: expected a fingerprint such as 'SHA256:mVPw'")
    return value


def check_flag(name: str, value: Any) -> None:
    """Check that a value is True or False, because a text such as "no" would count as true.

    ``name`` names the value in the error.

    Raises:
        InvalidParameterError: the value is neither True nor False.
    """
    if not isinstance(value, bool):
        raise InvalidParameterError(f"invalid {name} {value!r}: expected True or False")


def check_time(name: str, value: Any) -> None:
    """Check a time, which ``name`` names in the error.

    Raises:
        InvalidParameterError: the value is not a datetime, has no time zone, or is outside the years 1 to 9999 in UTC.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidParameterError(
            f"invalid {name} {value!r}: expected a datetime with a time zone", "give TIME.astimezone()"
        )
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise InvalidParameterError(f"invalid {name} {value!r}: expected a year from 1 to 9999 in UTC") from None
