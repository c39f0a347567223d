"""Guesses at one user from many addresses, and at many users from one."""

import json
import time
from typing import NamedTuple

from tests.siege.accounts import ADMINISTRATOR
from tests.siege.attack import attacking
from tests.siege.exchange import ONE_ROW, ask, basic, http_request, query, trusting_nobody
from tests.siege.siege import Siege

AT_USER, FROM_ADDRESS = 60, 30
"""Guesses that docs/users.md allows at once; and as many more in an hour."""

CLIENTS, HOUR, FRESH = 40, 3600.0, "127.30.0.1"
NETWORK = "127.20"


class Guessed(NamedTuple):
    """Guesses that were checked, those that were not, and the seconds that they took."""

    checked: int
    refused: int
    seconds: float


def guess_passwords(siege: Siege) -> str:
    """Guess at the administrator from many addresses, then at many users from one address."""
    spread = _guess(siege, siege.scale.guessers, ADMINISTRATOR.name, NETWORK)
    _expect_bound(siege, spread, AT_USER, "one user")
    late = ask(
        ("127.0.0.1", siege.unit.tls_port), http_request(query(ONE_ROW), basic(ADMINISTRATOR)), "127.40.0.1",
        trusting_nobody(),
    )  # fmt: skip
    siege.expect(spread.checked < AT_USER or late.status == 503, f"a guess beyond the bound was checked: {late.status}")
    single = _guess(siege, CLIENTS, "user", FRESH)
    _expect_bound(siege, single, FROM_ADDRESS, "one address")
    audit = siege.unit.process_folder(siege.pid) / "root/var/log/logonscope/audit"
    records = [json.loads(line) for line in audit.read_text(encoding="utf-8").splitlines()]
    failed = sum(record.get("accepted") is False for record in records)
    siege.expect(failed >= spread.checked + single.checked, f"{failed} failures are recorded, fewer than there were")
    return (
        f"at one user from {siege.scale.guessers} addresses: {spread.checked} checked, {spread.refused:,} refused in "
        f"{spread.seconds:.0f} s; at {CLIENTS} users from one address: {single.checked} and {single.refused:,} in "
        f"{single.seconds:.0f} s"
    )


def _guess(siege: Siege, clients: int, user: str, first: str) -> Guessed:
    words = (siege.unit.tls_port, clients, user, first)
    began = time.monotonic()
    with attacking(siege.machine, "attackers.password_guesser", *words) as guesser:
        time.sleep(siege.scale.guess_seconds)
        statuses: dict[str, int] = guesser.outcome()
    checked = statuses.pop("401", 0)
    siege.expect(set(statuses) <= {"503", "0"}, f"guesses were answered {statuses}")
    return Guessed(checked, sum(statuses.values()), time.monotonic() - began)


def _expect_bound(siege: Siege, guessed: Guessed, at_once: int, what: str) -> None:
    most = at_once + at_once * guessed.seconds / HOUR
    siege.expect(guessed.checked <= most, f"{guessed.checked} guesses at {what} were checked, more than {most:.0f}")
    siege.expect(guessed.checked, f"no guess at {what} was checked")
