"""The process of the command ``logonscope``: its signals, standard streams, memory and exit codes.

This module knows no sources: app.py, which composes hosts, is imported only by a command that needs it.
"""

import codecs
import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, NoReturn, TextIO, cast

from logonscope.faces.cli import run
from logonscope.faces.cli.exit_codes import INTERRUPTED, OUT_OF_RESOURCES, OUTPUT_ERROR, USAGE_ERROR

if TYPE_CHECKING:
    from logonscope.app import ServerCommand
    from logonscope.client import Host
    from logonscope.faces.cli.user import Users

GC_THRESHOLD, SERVER_GC_THRESHOLD = 100_000, 20_000
"""Allocated objects before the garbage collector runs: in most commands, and in the server.

Most commands allocate fewer than GC_THRESHOLD, so that it never runs in them.
"""

ASCII_ERROR_HANDLER = "logonscope.ascii"
"""The name of the codecs error handler for characters that a stream's encoding lacks."""

EXIT_RETRY_SECONDS = 0.001
"""Seconds after which an exception of a signal handler is raised again, if Python dropped it."""

_RESOURCE_ERRORS = {errno.EAGAIN, errno.EMFILE, errno.ENFILE}
"""Error numbers of system calls that reached a limit of processes or open files."""


def main() -> int:
    """Run the command ``logonscope``; return its exit code."""
    try:
        # a shell without job control starts background commands with SIGINT ignored: then SIGINT stays ignored
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, _interrupt)
        if hasattr(signal, "setitimer"):
            sys.unraisablehook = _repeat_exit
        return _run_command()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _end_by_closed_pipe()
    except RuntimeError as error:
        if "thread" not in str(error):
            raise
        return _report_failure(
            OUT_OF_RESOURCES, "cannot answer: no more threads can be started; raise the limit (ulimit -u)"
        )
    except OSError as error:
        # main() of __main__ reports this without allocating memory
        if error.errno == errno.ENOMEM:
            raise
        if error.errno in _RESOURCE_ERRORS:
            return _report_failure(OUT_OF_RESOURCES, f"cannot answer: {error.strerror}; raise the limits (ulimit -a)")
        # a write never fails with ENOENT, but resolving a relative path does
        if error.errno == errno.ENOENT and _is_current_directory_deleted():
            return _report_failure(USAGE_ERROR, "cannot find files: the current directory was deleted; leave it")
        return _report_failure(OUTPUT_ERROR, f"cannot write the answer: {error.strerror}; see where the output goes")


def _run_command() -> int:
    # what is imported lives until the end: the collector need not scan it, not even at exit
    if hasattr(gc, "freeze"):
        gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    gc.enable()  # __main__ disabled it, for the time of the imports
    _prepare_streams()
    try:
        code = run(sys.argv[1:], _connect, _open_user_file, SERVER_COMMANDS)
    except SystemExit as exiting:  # argparse has printed help or an error
        code = exiting.code if isinstance(exiting.code, int) else int(exiting.code is not None)
    # main() reports errors of writing; at interpreter exit they would get another exit code (120) and text
    sys.stdout.flush()
    return code


def _connect(*host: str | None, **options: Any) -> "Host":
    from logonscope.app import connect_from_terminal  # noqa: PLC0415 -- only a command that reads a host needs sources

    # what app.py imported lives until the end, too: see _run_command()
    if hasattr(gc, "freeze"):
        gc.freeze()
    return connect_from_terminal(*host, **options)


def _open_user_file(path: str) -> "Users":
    from logonscope.app import open_user_file  # noqa: PLC0415 -- imports sources, which few commands need

    return open_user_file(path)


def _load_serve_command() -> "ServerCommand":
    from logonscope.app import load_serve_command  # noqa: PLC0415 -- imports sources, which few commands need

    gc.set_threshold(SERVER_GC_THRESHOLD)
    return load_serve_command()


def _load_page_command() -> "ServerCommand":
    from logonscope.app import load_page_command  # noqa: PLC0415 -- imports sources, which few commands need

    gc.set_threshold(SERVER_GC_THRESHOLD)
    return load_page_command()


def _load_token_command() -> "ServerCommand":
    from logonscope.app import load_token_command  # noqa: PLC0415 -- imports sources, which few commands need

    return load_token_command()


SERVER_COMMANDS: Mapping[str, Callable[[], Any]] = {
    "serve": _load_serve_command,
    "page": _load_page_command,
    "token": _load_token_command,
    "schema": partial(import_module, "logonscope.server.schema_command"),
}
"""The commands of the server. They are passed in, because faces/cli must not import the server."""


def _interrupt(*_: object) -> NoReturn:
    """Raise KeyboardInterrupt at the first Ctrl-C; let the kernel end the process at the second."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


def _repeat_exit(unraisable: "sys.UnraisableHookArgs") -> None:
    """Raise the exception of a signal handler again a little later, if Python had to drop it.

    Python drops an exception that is raised in a callback, such as a callback of the import system.
    """
    error = unraisable.exc_value
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, _interrupt)
    elif isinstance(error, SystemExit):
        signal.signal(signal.SIGALRM, partial(_exit, error.code))
    else:
        sys.__unraisablehook__(unraisable)
        return
    signal.setitimer(signal.ITIMER_REAL, EXIT_RETRY_SECONDS)


def _exit(code: "str | int | None", *_: object) -> NoReturn:
    raise SystemExit(code)


def _is_current_directory_deleted() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _report_failure(code: int, message: str) -> int:
    """Print a failure in one line on standard error; return the exit code."""
    try:
        sys.stderr.write(f"logonscope: {message}\n")
        # text still buffered for standard output would fail again when the interpreter flushes it at exit
        with open(os.devnull, "w", encoding="ascii") as null_file:
            os.dup2(null_file.fileno(), 1)
    except OSError:
        os._exit(code)
    return code


def _end_by_closed_pipe() -> int:
    """End this process by SIGPIPE: the reader of its output has closed the pipe (``logonscope ps | head``).

    Until then SIGPIPE is ignored, which is Python's default: a write to a connection that its peer has closed must not
    end the process.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    return OUTPUT_ERROR


def _prepare_streams() -> None:
    """Replace streams that the parent process closed, and configure the others.

    An output stream gets an error handler that replaces characters that its encoding lacks. On a terminal in the C
    locale, the encoding becomes ASCII.
    """
    codecs.register_error(ASCII_ERROR_HANDLER, _in_ascii)
    # the parent process closed the stream: occupy its file descriptor, so that no later open() gets it
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 -- open until the process ends
        _OPEN_FILES.append(sys.stdin)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            null_file = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- open until the process ends
            setattr(sys, name, _closed_output() if name == "stdout" else null_file)
            _OPEN_FILES.append(null_file)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ASCII_ERROR_HANDLER)
            if stream.isatty() and _is_plain_c_locale():
                stream.reconfigure(encoding="ascii", errors=ASCII_ERROR_HANDLER)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Return ASCII in place of characters that a stream's encoding lacks: an error handler of codecs."""
    from logonscope.faces.cli.encoding import in_ascii  # noqa: PLC0415 -- most encodings have every character

    return in_ascii(error)


def _is_plain_c_locale() -> bool:
    from logonscope.faces.cli.encoding import is_plain_c_locale  # noqa: PLC0415 -- only terminals need it

    return is_plain_c_locale()


def _closed_output() -> TextIO:
    from logonscope.faces.cli.encoding import ClosedOutput  # noqa: PLC0415 -- seldom needed

    return cast("TextIO", ClosedOutput())


_OPEN_FILES: list[IO[str]] = []
"""Files that stay open until the process ends."""
