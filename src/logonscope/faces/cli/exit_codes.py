"""Exit codes: what the number means that the command ends with."""

from collections.abc import Mapping

from logonscope.errors import (
    AccessDeniedError,
    LogonscopeError,
    NotFoundError,
    ServerTooBusyError,
    TimedOutError,
    TransportFailureError,
)

FOUND, NOTHING_FOUND, WRONG_USE, NO_RIGHT = 0, 1, 2, 3
NO_ANSWER, NO_ROOM, NOT_WRITTEN = 69, 70, 74
"""EX_UNAVAILABLE, EX_SOFTWARE and EX_IOERR of sysexits.h(3head): nothing is wrong with the question."""

INTERRUPTED, TERMINATED = 130, 143
"""128 and the number of the signal, as shells have it."""

MEANINGS: Mapping[int, str] = {
    FOUND: "found",
    NOTHING_FOUND: "nothing found",
    WRONG_USE: "wrong use: of an option, a name, a file, a setting",
    NO_RIGHT: "no right to see or do that",
    NO_ANSWER: "no answer, or none in time",
    NO_ROOM: "no memory or no processes left to answer with",
    NOT_WRITTEN: "the answer could not be written",
    INTERRUPTED: "interrupted by Ctrl-C",
}
"""What each exit code means, as help and the reference have it."""


def exit_code(error: LogonscopeError) -> int:
    """Return the documented exit code of an error."""
    if isinstance(error, NotFoundError):
        return NOTHING_FOUND
    if isinstance(error, (ServerTooBusyError, TimedOutError, TransportFailureError)):
        return NO_ANSWER
    return NO_RIGHT if isinstance(error, AccessDeniedError) else WRONG_USE
