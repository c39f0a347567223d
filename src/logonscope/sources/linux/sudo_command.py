"""Parser of command lines of sudo, for the services that a command asks the system's manager to start.

Only commands that name services themselves count: systemctl(1), service(8) and systemd-run(1). What a shell or a script
runs below sudo is not known.
"""

import os
import re
import shlex
from collections.abc import Iterator, Sequence

from logonscope.facts import is_service_unit

MAX_CHARACTERS = 32_768
"""Maximum length of a command line that is parsed."""

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SUDO_FLAGS = re.compile(
    r"-[ABbEHiKknPS]+|--(?:askpass|background|non-interactive|preserve-env(?:=.*)?|set-home|login)"
)
_SUDO_OPTIONS_WITH_VALUE = {"-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t"}
_SUFFIXES = {
    "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope",
}  # fmt: skip
_STARTING_VERBS = {
    "start", "restart", "try-restart", "condrestart", "reload-or-restart", "try-reload-or-restart", "force-reload",
}  # fmt: skip
_SYSTEMCTL_OPTIONS_WITH_VALUE = {"-n", "-o", "-p", "-P", "-s", "-t"}
_SYSTEMD_RUN_OPTIONS_WITH_VALUE = {
    "-E", "-H", "-M", "-p", "-u", "--background", "--description", "--gid", "--host", "--json", "--machine", "--nice",
    "--on-active", "--on-boot", "--on-calendar", "--on-startup", "--on-unit-active", "--on-unit-inactive",
    "--path-property", "--property", "--service-type", "--setenv", "--slice", "--socket-property", "--timer-property",
    "--uid", "--unit", "--working-directory",
}  # fmt: skip
_ELSEWHERE = re.compile(r"--(?:user|host|machine|root|image|global)(?:=.*)?|-[HM].*")
"""Options that address another manager than that of this system."""


def requested_services(command_line: str) -> frozenset[str]:
    """Return the services that a command line of sudo asks to start; empty if they cannot be determined."""
    if len(command_line) > MAX_CHARACTERS:
        return frozenset()
    try:
        words = list(_command_words(shlex.split(command_line)[1:]))
    except ValueError:
        return frozenset()
    if not words or any(_ELSEWHERE.fullmatch(word) for word in words):
        return frozenset()
    parse = _PARSERS.get(os.path.basename(words[0]))
    names = parse(words[1:]) if parse else ()
    return frozenset(unit for unit in map(_unit_name, names) if is_service_unit(unit))


def _command_words(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of the command that sudo runs.

    Raises:
        ValueError: an option of sudo is not known, or the command runs as another user than root.
    """
    rest = iter(words)
    for word in rest:
        if word in _SUDO_OPTIONS_WITH_VALUE:
            next(rest, None)
        elif word == "-u":
            if next(rest, None) != "root":
                raise ValueError(word)
        elif word == "--":
            yield from rest
        elif word.startswith("-"):
            if not _SUDO_FLAGS.fullmatch(word):
                raise ValueError(word)
        elif not _ASSIGNMENT.match(word):
            yield word
            yield from rest


def _parse_systemctl(words: Sequence[str]) -> list[str]:
    operands: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in _SYSTEMCTL_OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            operands.append(word)
    verb = operands[0] if operands else ""
    starts_units = verb in _STARTING_VERBS or (verb in {"enable", "reenable"} and "--now" in words)
    return operands[1:] if starts_units else []


def _parse_service(words: Sequence[str]) -> list[str]:
    return [words[0]] if len(words) > 1 and words[1] in _STARTING_VERBS else []


def _parse_systemd_run(words: Sequence[str]) -> list[str]:
    unit, rest = "", iter(words)
    for word in rest:
        # the command to run begins at the first word that is not an option
        if not word.startswith("-") or word == "--":
            break
        name, equals, value = word.partition("=")
        if name == "--scope":
            return []
        if name in _SYSTEMD_RUN_OPTIONS_WITH_VALUE and not equals:
            value = next(rest, "")
        if name in {"-u", "--unit"}:
            unit = value
    return [unit] if unit else []


_PARSERS = {"systemctl": _parse_systemctl, "service": _parse_service, "systemd-run": _parse_systemd_run}
"""By the name of a program: the function that returns the names of the units that its arguments start."""


def _unit_name(name: str) -> str:
    """Return the name of a unit with its suffix, as systemctl completes it."""
    return name if name.rpartition(".")[2] in _SUFFIXES else f"{name}.service"
