"""The interface of deliveries: the events that they get, the errors that they raise, and the secrets that they read."""

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
            DeliveryError: it is not certain that the target has the events.
            RejectedError: the target will never accept some or all of them.
        """
        ...

    def close(self) -> None:
        """Release the connection or the file."""
        ...


class DeliveryError(Exception):
    """Events could not be delivered, or a file that the delivery needs cannot be used; a sink tries again later."""


class RejectedError(Exception):
    """The target refuses events; the sink counts these events, and does not deliver them.

    Attributes:
        count: the number of rejected events; None: all events of the parcel.
        retry_in_halves: whether the sink sends the parcel again in halves, because the target may refuse only some of
            the events.
    """

    def __init__(self, reason: str, count: int | None = None, *, retry_in_halves: bool = False) -> None:
        super().__init__(reason)
        self.count, self.retry_in_halves = count, retry_in_halves


def read_secret(path: str) -> str:
    """Return the secret in a file, without white space at its ends.

    Raises:
        DeliveryError: the file cannot be read; or the secret is empty, too long, or not printable.
    """
    try:
        with open(path, encoding="utf-8", opener=open_regular) as file:
            secret = file.read(MAX_SECRET_LENGTH + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    if not secret or not secret.isprintable() or len(secret) > MAX_SECRET_LENGTH:
        raise DeliveryError(f"cannot use {path}: expected one line of at most {MAX_SECRET_LENGTH} characters")
    return secret
