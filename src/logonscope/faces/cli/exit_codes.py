"""Exit codes of the command, and the code of each error."""

from collections.abc import Mapping

from logonscope.errors import (
    AccessDeniedError,
    LogonscopeError,
    NotFoundError,
    ServerTooBusyError,
    TimedOutError,
    TransportFailureError,
)

FOUND, NOTHING_FOUND, USAGE_ERROR, ACCESS_DENIED = 0, 1, 2, 3
DAMAGED_DATA, NO_ANSWER, OUT_OF_RESOURCES, OUTPUT_ERROR = 65, 69, 70, 74
"""Codes of errors that the command line did not cause.

65, 69 and 74 are EX_DATAERR, EX_UNAVAILABLE and EX_IOERR of sysexits.h.
70: resources of this machine are exhausted. sysexits.h has no code for that; there, 70 means an internal error.
"""

INTERRUPTED, TERMINATED = 130, 143
"""128 plus the number of the signal, as in shells."""

EXIT_CODE_MEANINGS: Mapping[int, str] = {
    FOUND: "success: the answer was printed, or the action was done",
    NOTHING_FOUND: "nothing was found, or leftovers cannot be determined",
    USAGE_ERROR: "an option, a name, a file or a setting is invalid, or a method failed",
    ACCESS_DENIED: "access denied",
    DAMAGED_DATA: "history verify: rows do not match the hash chain",
    NO_ANSWER: "no answer, or a timeout",
    OUT_OF_RESOURCES: "resources of this machine are exhausted: memory, processes or open files",
    OUTPUT_ERROR: "the output could not be written",
    INTERRUPTED: "interrupted by Ctrl-C",
    TERMINATED: "ended by SIGTERM",
}
"""The meaning of each exit code, for help and the reference."""


def exit_code(error: LogonscopeError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, NotFoundError):
        return NOTHING_FOUND
    if isinstance(error, (ServerTooBusyError, TimedOutError, TransportFailureError)):
        return NO_ANSWER
    return ACCESS_DENIED if isinstance(error, AccessDeniedError) else USAGE_ERROR
