"""The state of passwords and the expiry of accounts, from shadow(5). The hashes themselves are not kept.

Only root and the group shadow can read the file; without that right these facts are None.
"""

import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

from logonscope.facts import Account
from logonscope.sources.linux.parse import decode_text

SHADOW = "etc/shadow"

SECONDS_A_DAY = 86_400

MAX_LINE_LENGTH = 1 << 16
"""Maximum bytes that are read as one line: no valid line is longer."""

FIELD_COUNT = 9


def with_shadow(root: str, accounts: Iterable[Account]) -> Iterator[Account]:
    """Yield the accounts; local ones are completed by the facts in the shadow file below a root."""
    facts_by_name = _read_facts(root, int(time.time()) // SECONDS_A_DAY)
    for account in accounts:
        yield account._replace(**facts_by_name.get(account.name, {})) if account.local else account


def parse_shadow(line: bytes, today: int) -> tuple[str, dict[str, Any]]:
    """Parse a line of shadow(5): the account's name and the fields of Account that the line decides.

    Args:
        line: the line.
        today: the current day, counted from the epoch.

    Raises:
        ValueError: it is not a line of shadow(5).
    """
    fields = line.rstrip(b"\n").split(b":")
    if len(fields) != FIELD_COUNT or not fields[0]:
        raise ValueError("not a line of shadow(5)")
    name, password, changed, minimum, maximum, _, _, expires, _ = fields
    # Without the day of the last change the password does not age, whatever the other fields say.
    ages = _parse_days(changed) is not None
    expiry_day = _parse_days(expires)
    return decode_text(name), {
        "password": password_state(password),
        "password_min_days": _parse_days(minimum) if ages else None,
        "password_max_days": _parse_days(maximum) if ages else None,
        "expired": expiry_day is not None and expiry_day <= today,
    }


def password_state(field: bytes) -> str:
    """Return the state of a password: none (not needed), unusable (no password matches), locked, or usable."""
    if not field:
        return "none"
    # usermod -L and passwd -l write a "!" before the hash; "!" or "*" alone never was a hash.
    is_locked, hashed = field.startswith(b"!"), field.lstrip(b"!")
    if not hashed or hashed.startswith(b"*"):
        return "unusable"
    return "locked" if is_locked else "usable"


def _parse_days(field: bytes) -> int | None:
    """Return a number of days; None if the field is empty or negative, which means no limit, or is not a number."""
    return int(field) if field.isdigit() and len(field) <= 12 else None


def _read_facts(root: str, today: int) -> dict[str, dict[str, Any]]:
    """Return account -> facts; empty if the file cannot be read. If an account has several lines, the first counts."""
    facts_by_name: dict[str, dict[str, Any]] = {}
    try:
        with open(os.path.join(root, SHADOW), "rb") as file:
            while line := file.readline(MAX_LINE_LENGTH):
                try:
                    name, facts = parse_shadow(line, today)
                except ValueError:
                    continue
                facts_by_name.setdefault(name, facts)
    except OSError:
        return {}
    return facts_by_name
