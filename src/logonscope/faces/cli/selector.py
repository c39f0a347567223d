"""Which logon sessions a question is about: one by its LogonId, all of a user's, and filters on what is known."""

import argparse
from typing import Any, TypeVar

from logonscope.answers.logon_filter import ANY, STATES, LogonFilter
from logonscope.answers.logon_session import LOGON_TYPES
from logonscope.client import Host
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.parser import FILTERS, set_completion

Value = TypeVar("Value")

UNKNOWN = "unknown"
"""The word for a value that is not known."""

EXAMPLES = """\
Filters: each names values, parted by commas; several filters narrow together. They choose logon sessions, by who
logged in, of which LogonType, from where and when; `unknown` is a type or state that is not known.
A TIME is a date, a time of today, both, or an age: 2026-01-01, 10:02, '2026-01-01 10:02', 90m, 2h, 1d12h, yesterday.
"""


def add_selector(parser: argparse.ArgumentParser) -> None:
    """Add the argument [LOGONID|USER], and the filters."""
    parser.add_argument(
        "which", nargs="?", metavar="LOGONID|USER",
        help='one logon session, by its number, logind\'s own id ("c1") or "system"; or a user\'s, by account name',
    )  # fmt: skip
    group = parser.add_argument_group("filters on logon sessions")
    users = "only logins of these users, by account name or uid"
    set_completion(
        group.add_argument("--user", metavar="NAME", type=_parse_words, action="extend", help=users), "users"
    )
    types = "only of these LogonTypes, as RemoteInteractive or 10"
    set_completion(
        group.add_argument("--type", metavar="TYPE", type=_parse_types, action="extend", help=types), "types"
    )
    states = f"only in these states: {', '.join(STATES)}"
    set_completion(
        group.add_argument("--state", metavar="STATE", type=_parse_states, action="extend", help=states), "states"
    )
    origins = "only from these remote hosts, as the login record has them, or networks as 192.0.2.0/24"
    set_completion(
        group.add_argument("--from", metavar="HOST", type=_parse_origins, action="extend", help=origins), "hosts"
    )
    group.add_argument("--since", metavar="TIME", help="only logins that began at this time or later")
    group.add_argument("--until", metavar="TIME", help="only logins that began before this time")
    group.add_argument("--no-system", action="store_true", help="without the System session, which no login started")


def logon_filter(host: Host, args: argparse.Namespace) -> LogonFilter | None:
    """Return what the filters of the command line say; None where there is none.

    Raises:
        InvalidParameterError: a time is none, or no time is between the two.
    """
    since = until = None
    if args.since is not None or args.until is not None:
        from logonscope.faces.cli.times import parse_time  # noqa: PLC0415 -- most questions have no time

        present = host.moment
        since = None if args.since is None else parse_time(args.since, present)
        until = None if args.until is None else parse_time(args.until, present)
    if since is not None and until is not None and since >= until:
        raise InvalidParameterError(
            f"invalid times: --since {args.since} is not before --until {args.until}", "exchange them"
        )
    origins = getattr(args, "from")  # a keyword of Python's own
    found = LogonFilter(
        _optional_set(args.user),
        _optional_set(args.type),
        _optional_set(args.state),
        _optional_set(origins),
        since,
        until,
        not args.no_system,
    )
    return None if found == ANY else found


def no_match_message(args: argparse.Namespace) -> str:
    """Say that the selection is empty."""
    which = args.which
    filters = [f"--{name} {_filter_text(getattr(args, name))}" for name in FILTERS if getattr(args, name) is not None]
    filters += ["--no-system"] if args.no_system else []
    if filters:
        of = "" if which is None else f" of {which!r}"
        return f"no logon session{of} fits {' '.join(filters)}; see `logonscope sessions`"
    if which is None:
        return "no logon session can be seen here; run `logonscope doctor`"
    what = f"no logon session {which}" if which.isdecimal() else f"no logon session {which!r}, and none of such a user"
    ask = f", or `logonscope whose {which}` for a process" if which.isdecimal() else ""
    return f"{what}; see `logonscope sessions`{ask}"


def type_words() -> list[str]:
    """Return the words for LogonTypes."""
    return [*LOGON_TYPES.values(), UNKNOWN]


def state_words() -> list[str]:
    """Return the words for states."""
    return [*(state.replace(" ", "-") for state in STATES), UNKNOWN]


def _optional_set(values: list[Any] | None) -> frozenset[Any] | None:
    return None if values is None else frozenset(values)


def _filter_text(value: list[Any] | str) -> str:
    """Return the value of a filter as it can be typed."""
    return value if isinstance(value, str) else ",".join(UNKNOWN if part is None else str(part) for part in value)


def _parse_words(text: str) -> list[str]:
    """Return the values that commas part.

    Raises:
        argparse.ArgumentTypeError: there is none.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected at least one word")
    return words


def _parse_types(text: str) -> list[int | None]:
    numbers = {name.lower(): number for number, name in LOGON_TYPES.items()}
    known: dict[str, int | None] = {**numbers, **{str(number): number for number in LOGON_TYPES}, UNKNOWN: None}
    return _parse_values(text, "LogonType", known, f"{', '.join(type_words())}, or a number")


def _parse_states(text: str) -> list[str | None]:
    known: dict[str, str | None] = {state.replace(" ", "-"): state for state in STATES}
    return _parse_values(text.replace(" ", "-"), "state", {**known, UNKNOWN: None}, ", ".join(state_words()))


def _parse_values(text: str, what: str, known: dict[str, Value], expected: str) -> list[Value]:
    words = _parse_words(text)
    for word in words:
        if word.lower() not in known:
            raise argparse.ArgumentTypeError(f"invalid {what} {word!r}: expected {expected}")
    return [known[word.lower()] for word in words]


def _parse_origins(text: str) -> list[str]:
    words = _parse_words(text)
    for word in words:
        if "/" in word:
            import ipaddress  # noqa: PLC0415 -- seldom asked for, and slow to import

            try:
                ipaddress.ip_network(word, strict=False)
            except ValueError:
                raise argparse.ArgumentTypeError(f"invalid network {word!r}: expected one as 192.0.2.0/24") from None
    return words
