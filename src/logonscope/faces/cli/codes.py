"""With which number does the command end? As `logonscope --help` says."""

from logonscope.errors import (
    AccessDeniedError,
    LogonscopeError,
    NotFoundError,
    ServerTooBusyError,
    TimedOutError,
    TransportFailureError,
)

FOUND, NOTHING_FOUND, WRONG_USE, NO_RIGHT, INTERRUPTED = 0, 1, 2, 3, 130
NO_ANSWER = 69
"""EX_UNAVAILABLE of sysexits.h(3head): nothing is wrong with the question, and it may be asked again."""


def exit_code(error: LogonscopeError) -> int:
    """Return the documented exit code of an error."""
    if isinstance(error, NotFoundError):
        return NOTHING_FOUND
    if isinstance(error, (ServerTooBusyError, TimedOutError, TransportFailureError)):
        return NO_ANSWER
    return NO_RIGHT if isinstance(error, AccessDeniedError) else WRONG_USE
