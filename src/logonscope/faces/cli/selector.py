"""Arguments that select logon sessions by LogonId, by user, or by filters."""

import argparse
import re
from datetime import datetime
from typing import Any, TypeVar

from logonscope.answers.logon_filter import NO_FILTER, STATES, LogonFilter
from logonscope.answers.logon_session import LOGON_TYPES
from logonscope.client import Host
from logonscope.errors import HintCode, InvalidParameterError
from logonscope.faces.cli.messages import rights_texts
from logonscope.faces.cli.parser import FILTERS, set_completion

Value = TypeVar("Value")

SYSTEM_WORD = "system"
"""The word that selects the System session."""

UNKNOWN = "unknown"
"""The word that selects logon sessions without a known type or state."""

MIN_KEY_LENGTH = 4
"""Minimum number of characters, after "SHA256:" or "MD5:", of a fingerprint that --key takes."""

_KEY = rf"SHA256:[0-9A-Za-z+/]{{{MIN_KEY_LENGTH},43}}|MD5:[0-9a-f:]{{{MIN_KEY_LENGTH},47}}"

FILTER_NOTES = """\
Filters select logon sessions. A filter takes values separated by commas, and matches any of them; several filters must
all match. `unknown` matches a type or state that is not known. A TIME is a date, a time of today, both, or an age:
2026-01-01, 10:02, '2026-01-01 10:02', 90m, 2h, 1d12h, yesterday.
"""


def add_selector(parser: argparse.ArgumentParser, metavar: str = "LOGONID|USER", help_end: str = "") -> None:
    """Add the argument [LOGONID|USER], and the filters; ``help_end`` is the end of the help text of the argument."""
    which_help = 'one logon session, by its LogonId, logind id ("c1") or "system"; or those of a user, by account name'
    parser.add_argument("which", nargs="?", metavar=metavar, help=which_help + help_end)
    group = parser.add_argument_group("filters on logon sessions")
    users_help = "only logins of these users, by account name or uid"
    set_completion(
        group.add_argument("--user", metavar="NAME", type=_parse_words, action="extend", help=users_help), "users"
    )
    types_help = "only of these LogonTypes, such as RemoteInteractive or 10"
    set_completion(
        group.add_argument("--type", metavar="TYPE", type=_parse_types, action="extend", help=types_help), "types"
    )
    states_help = f"only in these states: {', '.join(state_words())}"
    set_completion(
        group.add_argument("--state", metavar="STATE", type=_parse_states, action="extend", help=states_help), "states"
    )
    add_origin_and_times(
        group,
        "only logins that began at this time or later",
        "only logins that began before this time",
        "; reads systemd's journal, or auth.log or secure",
    )
    group.add_argument(
        "--no-system", action="store_true", help="without the System session, the processes that no login started"
    )


def add_origin_and_times(
    group: argparse._ActionsContainer, since_help: str, until_help: str, key_note: str = ""
) -> None:
    """Add --from, --key, --since and --until.

    Args:
        group: the parser to extend.
        since_help: the help text of --since.
        until_help: the help text of --until.
        key_note: the end of the help text of --key: where the fingerprints are read.
    """
    origins_help = "only from these remote hosts (as written in the login record) or networks, such as 192.0.2.0/24"
    set_completion(
        group.add_argument("--from", metavar="HOST", type=_parse_origins, action="extend", help=origins_help), "hosts"
    )
    keys_help = f"only logins with these ssh keys, by fingerprint or its beginning, such as SHA256:mVPw{key_note}"
    group.add_argument("--key", metavar="FINGERPRINT", type=_parse_keys, action="extend", help=keys_help)
    group.add_argument("--since", metavar="TIME", help=since_help)
    group.add_argument("--until", metavar="TIME", help=until_help)


def logon_filter(host: Host, args: argparse.Namespace) -> LogonFilter | None:
    """Return the filter on logon sessions that the options set; None: no option sets a filter.

    Raises:
        InvalidParameterError: a time is invalid, or --since is not before --until.
    """
    since, until = parse_times(host, args)
    origins = getattr(args, "from")  # "from" is a keyword of Python
    session_filter = LogonFilter(
        _optional_set(args.user),
        _optional_set(args.type),
        _optional_set(args.state),
        _optional_set(origins),
        since,
        until,
        not args.no_system,
        _optional_set(args.key),
    )
    return None if session_filter == NO_FILTER else session_filter


def parse_times(host: Host, args: argparse.Namespace) -> tuple[datetime | None, datetime | None]:
    """Return the times of --since and --until.

    Raises:
        InvalidParameterError: a time is invalid, or --since is not before --until.
    """
    since = until = None
    if args.since is not None or args.until is not None:
        from logonscope.faces.cli.times import parse_time  # noqa: PLC0415 -- most command lines have no time

        # for a recording, an age is subtracted from the time at which it was made
        now = host.moment
        since = None if args.since is None else parse_time(args.since, now)
        until = None if args.until is None else parse_time(args.until, now)
    if since is not None and until is not None and since >= until:
        raise InvalidParameterError(
            f"invalid times: --since {args.since} is not before --until {args.until}", "exchange them"
        )
    return since, until


def no_match_message(host: Host, args: argparse.Namespace) -> str:
    """Return the message that no logon session matches the command line, with a hint.

    If the caller does not see everything, the message does not show whether a hidden logon session matches.
    """
    which = args.which
    visible, hint = "", "see `logonscope sessions`"
    if not host.sees_everything:
        visible = " among those that you may see"
        hint = rights_texts(args.host, args.view_as)[HintCode.SEE_OTHERS]
    # the filters are repeated as they can be typed
    filters = [f"--{name} {_filter_text(getattr(args, name))}" for name in FILTERS if getattr(args, name) is not None]
    filters += ["--no-system"] if args.no_system else []
    if filters:
        subject = "no logon session" if which is None else f"no logon session of {which!r}"
        return f"{subject}{visible} matches {' '.join(filters)}; {hint}"
    if which is None:
        return "no visible logon session; run `logonscope doctor`"
    # a number may also have been intended as a pid
    if which.isdecimal():
        if args.watch is not None:
            hint = f"for seconds, give --watch={which}; {hint}"
        return f"no logon session {which}{visible}; {hint}, or `logonscope whose {which}` for a process"
    if visible:
        return f"no logon session {which!r}{visible}, and none of a user {which!r}; {hint}"
    return f"no logon session {which!r}, and no user {which!r} has one; {hint}"


def type_words() -> list[str]:
    """Return the words that --type takes; it takes the numbers of LogonTypes, too."""
    return [*LOGON_TYPES.values(), UNKNOWN]


def state_words() -> list[str]:
    """Return the words that --state takes."""
    return [*(state.replace(" ", "-") for state in STATES), UNKNOWN]


def _optional_set(values: list[Any] | None) -> frozenset[Any] | None:
    return None if values is None else frozenset(values)


def _filter_text(value: list[Any] | str) -> str:
    """Return the value of a filter as it is typed."""
    return value if isinstance(value, str) else ",".join(UNKNOWN if item is None else str(item) for item in value)


def _parse_words(text: str) -> list[str]:
    """Return the values that commas separate.

    Raises:
        argparse.ArgumentTypeError: there are no values.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected at least one word")
    return words


def _parse_types(text: str) -> list[int | None]:
    numbers = {name.lower(): number for number, name in LOGON_TYPES.items()}
    choices: dict[str, int | None] = {**numbers, **{str(number): number for number in LOGON_TYPES}, UNKNOWN: None}
    return _parse_values(text, "LogonType", choices, f"{', '.join(type_words())}, or a number")


def _parse_states(text: str) -> list[str | None]:
    choices: dict[str, str | None] = {state.replace(" ", "-"): state for state in STATES}
    # "logged out" is read as "logged-out"; spaces beside a comma are dropped
    dashed_text = ",".join("-".join(word.split()) for word in text.split(","))
    return _parse_values(dashed_text, "state", {**choices, UNKNOWN: None}, ", ".join(state_words()))


def _parse_values(text: str, kind: str, choices: dict[str, Value], expected: str) -> list[Value]:
    """Return the values of words separated by commas.

    Raises:
        argparse.ArgumentTypeError: a word is not one of the choices, or there are no words.
    """
    words = _parse_words(text)
    for word in words:
        if word.lower() not in choices:
            raise argparse.ArgumentTypeError(f"invalid {kind} {word!r}: expected {expected}")
    return [choices[word.lower()] for word in words]


def _parse_keys(text: str) -> list[str]:
    """Return the fingerprints, or their beginnings, that commas separate.

    Raises:
        argparse.ArgumentTypeError: a word is not a fingerprint, or too short, or there are no words.
    """
    words = _parse_words(text)
    for word in words:
        if not re.fullmatch(_KEY, word):
            raise argparse.ArgumentTypeError(
                f"invalid fingerprint {word!r}: expected SHA256: or MD5: and at least {MIN_KEY_LENGTH} characters, as"
                " `ssh-keygen -lf KEY` shows it"
            )
    return words


def _parse_origins(text: str) -> list[str]:
    """Return the remote hosts and networks that commas separate.

    Raises:
        argparse.ArgumentTypeError: a network is invalid, or there are no words.
    """
    words = _parse_words(text)
    for word in words:
        if "/" in word:
            import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

            try:
                ipaddress.ip_network(word, strict=False)
            except ValueError:
                raise argparse.ArgumentTypeError(
                    f"invalid network {word!r}: expected a network such as 192.0.2.0/24"
                ) from None
    return words
