"""Paths on this machine as targets of ``whose``: programs and unix sockets."""

import os
import stat

from logonscope.answers.whose_target import UNIX_PREFIX
from logonscope.errors import Hint, HintCode, NotFoundError

_PATH_PREFIXES = ("/", "./", "../")


def resolve_path(target: str) -> str:
    """Return a path with its symbolic links resolved, because /proc reports such paths; return other targets as is."""
    path = target.removeprefix(UNIX_PREFIX)
    if not path.startswith(_PATH_PREFIXES):
        return target
    return f"{UNIX_PREFIX if path != target else ''}{os.path.realpath(path)}"


def explain_missing(target: str, error: NotFoundError) -> NotFoundError:
    """Return the error for a target that no process matches. If the file at a path shows why, the error says so."""
    path = target.removeprefix(UNIX_PREFIX)
    if not path.startswith(_PATH_PREFIXES):
        return error
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return NotFoundError(f"{error.message}; there is no such file", "check the path")
    except (OSError, ValueError):
        return error
    if stat.S_ISDIR(mode):
        return NotFoundError(f"{path} is a directory, not a program or a unix socket", "give the path of a file")
    is_socket = stat.S_ISSOCK(mode)
    if is_socket and not (isinstance(error.advice, Hint) and error.advice.code == HintCode.GET_RIGHTS):
        return NotFoundError(
            f"no process holds the unix socket {path} in this network namespace; the process may have ended",
            Hint(HintCode.LOOK_INTO_NAMESPACES),
        )
    if path != target and not is_socket:
        return NotFoundError(f"{path} is not a unix socket", "give the path of a socket")
    return error
