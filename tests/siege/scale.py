"""How large an attack is: in full for the table, shortened for the tests."""

from typing import NamedTuple


class Scale(NamedTuple):
    """Sizes and times of the attacks."""

    connections: int
    """Bare TCP connections that are held at a time."""
    addresses: int
    """Addresses of loopback that they come from."""
    seconds: float
    """How long an attack that goes on by itself is kept up."""
    stops: int
    """Requests whose helper the user tries to stop."""
    queries: int
    """Queries of the worst kind that are open at a time."""
    hung: int
    """Processes whose command lines hang."""
    guessers: int
    """Clients that guess passwords at the same time, each from an address of its own."""
    guess_seconds: float
    """How long they do."""
    recovery_seconds: float
    """The time after an attack at which the memory is looked at again; 0: it is not."""


FULL = Scale(3000, 60, 25, 20, 40, 6, 180, 25, 25)
SHORT = Scale(600, 15, 2, 4, 40, 4, 40, 6, 0)
