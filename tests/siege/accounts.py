"""The users that the attacked server knows, and the uids of this machine that attack it."""

from typing import NamedTuple


class Account(NamedTuple):
    """A user of the server's user file."""

    name: str
    password: str
    uid: int
    is_administrator: bool


ADMINISTRATOR = Account("scanner", "correct horse battery staple", 0, is_administrator=True)
USER = Account("mallory", "tr0ub4dor and three more", 64_500, is_administrator=False)
"""An ordinary user, over the network by name and on the unix socket by uid."""

BYSTANDER_UID = 64_600
"""The first uid of ordinary users who attack nothing."""
