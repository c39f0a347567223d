"""Delivery: what every kind of sink implements, and what it is given."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from logonscope.answers.host_event import HostEvent
from logonscope.regular_files import open_regular

MAX_SECRET_LENGTH = 4096


class Parcel(NamedTuple):
    """Events that are delivered together; if a delivery fails, all of them are sent again."""

    id: str  # the same for each attempt
    events: Sequence[HostEvent]


class Delivery(Protocol):
    """Delivers events to one target. One thread uses it."""

    def send(self, parcel: Parcel) -> None:
        """Deliver events; return when the target has them.

        Raises:
            DeliveryError: it does not have them, as far as known.
            RejectedError: it will never take them.
        """
        ...

    def close(self) -> None:
        """Release the connection or the file."""
        ...


class DeliveryError(Exception):
    """Events could not be delivered; that is tried again later."""


class RejectedError(Exception):
    """The target refuses events; they are counted and left out.

    Attributes:
        count: how many of them; None: all.
        may_be_some: some of the events can be the reason, so that the others are to be sent without them.
    """

    def __init__(self, reason: str, count: int | None = None, *, may_be_some: bool = False) -> None:
        super().__init__(reason)
        self.count, self.may_be_some = count, may_be_some


def read_secret(path: str) -> str:
    """Return the secret in a file, without white space at its ends.

    Raises:
        DeliveryError: it cannot be read, is empty, too long, or not printable.
    """
    try:
        with open(path, encoding="utf-8", opener=open_regular) as file:
            secret = file.read(MAX_SECRET_LENGTH + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    if not secret or not secret.isprintable() or len(secret) > MAX_SECRET_LENGTH:
        raise DeliveryError(f"cannot use {path}: expected one line of at most {MAX_SECRET_LENGTH} characters")
    return secret
