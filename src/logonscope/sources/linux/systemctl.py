"""Reader of the services of systemd, and actions on them, through systemctl(1).

systemctl asks the manager over D-Bus and prints the properties as text. docs/decisions/0043-services.md says why it is
used, and not a D-Bus library.
"""

import errno
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from logonscope.facts import Service, is_service_unit
from logonscope.machine import Look, Trouble
from logonscope.machine.action import ServiceAction
from logonscope.sources.linux.programs import Output, run_program
from logonscope.sources.linux.scopes import list_folder

PROGRAMS = ("usr/bin/systemctl", "bin/systemctl", "run/current-system/sw/bin/systemctl")
READ_SECONDS = 5.0
"""Maximum seconds of a reading; usually it takes 20 ms for one service, and 1 s for all that are installed."""

ACT_SECONDS = 10.0
"""Maximum seconds of waiting for a service to start or stop; the manager goes on with the job after that."""

_UNIT_FOLDERS = (
    "etc/systemd/system", "run/systemd/system", "run/systemd/generator", "run/systemd/generator.late",
    "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system",
)  # fmt: skip
_PROPERTIES = (
    "Id", "Description", "Type", "LoadState", "ActiveState", "SubState", "FreezerState", "UnitFileState", "Result",
    "MainPID", "ExecMainPID", "ExecMainCode", "ExecMainStatus", "ExecStart", "User", "CanStop", "CanFreeze",
)  # fmt: skip
_EXEC = re.compile(rb"\{ path=(.*?) ; argv\[\]=(.*) ; ignore_errors=.* ; status=[^ ]* \}", re.DOTALL)
_EXEC_KEY = b"ExecStart"
MAX_VALUE_BYTES = 32_767
"""Maximum bytes that are kept of a property's value, as many as of a process's arguments; systemd allows 1 MiB."""

_NAMES_A_CALL = 50
"""Maximum number of services that one call reads by name: each that is not loaded takes the manager 10 to 30 ms."""

_REFUSALS = (
    (b"Interactive authentication required", errno.EACCES), (b"Access denied", errno.EACCES),
    (b"Permission denied", errno.EACCES), (b" not found", errno.ESRCH), (b"not loaded", errno.ESRCH),
    (b" is masked", errno.EPERM),
    (b"Operation refused", errno.EOPNOTSUPP), (b"not supported", errno.EOPNOTSUPP),
)  # fmt: skip
"""Parts of systemctl's messages, and the errno for each: most of these messages have the same exit status, 1."""


def read_units(root: str, look: Look, names: frozenset[str] | None) -> Iterator[Service] | None:
    """Return the services with these names (None: all), ignoring case; None: systemctl is missing or failed."""
    program = _find_program(root)
    if program is None:
        look.report(Trouble("systemctl", "there is no such program", "install systemctl to read states of services"))
        return None
    requested_names = None if names is None else {name for name in map(str.lower, names) if is_service_unit(name)}
    if requested_names is not None and not requested_names:
        return iter(())
    # first the loaded units, because some have no file of this name: instances of templates, and units of systemd-run
    patterns = ["*.service"] if requested_names is None else [*map(_pattern_of_any_case, sorted(requested_names))]
    seconds_left = None if look.deadline is None else look.deadline.seconds_left
    end_time = time.monotonic() + (READ_SECONDS if seconds_left is None else min(seconds_left, READ_SECONDS))
    try:
        loaded = _read_loaded(program, patterns, end_time, look)
    except OSError as error:
        look.report(Trouble("systemctl", _reason(error), "see `systemctl is-system-running`"))
        return None
    loaded_names = {service.name for service in loaded}
    other_names = (name for name in _list_unit_files(root) if name not in loaded_names)
    unloaded = [name for name in other_names if requested_names is None or name.lower() in requested_names]
    # the manager has to read the files of services that it has not loaded, which takes long: they come last
    return chain(loaded, _read_in_parts(program, unloaded, end_time, look, Service("", active_state="inactive")))


def _read_loaded(program: str, patterns: list[str], end_time: float, look: Look) -> list[Service]:
    """Return the services that the manager has loaded; a service whose output is too large has only its name.

    Raises:
        TimeoutError: systemctl did not end in time.
        OSError: systemctl failed; EFBIG: its output is too large even for the names alone.
    """
    try:
        return [*_show_units(program, patterns, end_time)]
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
    # some values are huge, such as a Description of 1 MiB: they must not hide the other services
    names = [service.name for service in _show_units(program, patterns, end_time, ("Id", "LoadState"))]
    return [*_read_in_parts(program, names, end_time, look, Service(""))]


def _read_in_parts(
    program: str, names: list[str], end_time: float, look: Look, unread_service: Service
) -> Iterator[Service]:
    """Yield the services with these names; those that cannot be read have the values of ``unread_service``."""
    yielded_names: set[str] = set()
    parts = [names[index : index + _NAMES_A_CALL] for index in range(0, len(names), _NAMES_A_CALL)]
    while parts:
        part = parts.pop(0)
        try:
            services = list(_show_units(program, part, end_time))
        except OSError as error:
            # the part has a huge service: the part is halved until the huge service is alone in a part
            if error.errno == errno.EFBIG and len(part) > 1:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
                continue
            advice = "query a service by its name"
            look.report(Trouble("services", _reason(error), advice))
            services = [unread_service._replace(name=name, manager="systemd") for name in part]
        # a name can be an alias of a service that was yielded already
        yield from (service for service in services if service.name not in yielded_names)
        yielded_names.update(service.name for service in services)


def _show_units(
    program: str, names: list[str], end_time: float, properties: Sequence[str] = _PROPERTIES
) -> Iterator[Service]:
    """Yield the services that systemctl shows for names and patterns.

    Raises:
        TimeoutError: systemctl did not end in time.
        OSError: systemctl failed.
    """
    # without --all, a pattern does not match units that are loaded and inactive, such as instances of templates
    arguments = ["show", "--all", "--no-pager", f"--property={','.join(properties)}", "--", *names]
    output = run_program([program, *arguments], max(0.0, end_time - time.monotonic()))
    if output.status != 0 and not output.out:
        raise OSError(errno.EIO, output.error.decode("utf-8", "replace").strip()[:200] or "it failed")
    return (service for service in parse_units(output.out) if service.name and service.load_state != "not-found")


def _reason(error: OSError) -> str:
    return error.strerror or "it did not answer in time"


def act_on_unit(root: str, action: ServiceAction) -> None:
    """Start, stop, freeze or thaw a service, as a user; polkit decides about users other than root.

    Raises:
        ProcessLookupError: there is no such service.
        PermissionError: the user has no right to do that (EACCES), or the service is masked (EPERM).
        TimeoutError: the action is not done yet; the manager goes on with it.
        OSError: it failed for another reason; EOPNOTSUPP: this service cannot do it, or there is no systemctl.
    """
    program = _find_program(root)
    if program is None or not is_service_unit(action.name):
        raise OSError(errno.EOPNOTSUPP, "systemctl is missing, or the service is not one of systemd")
    # a process that is not root can act only as its own user
    uid = action.uid
    if uid is not None and uid != os.geteuid() and os.geteuid() != 0:
        raise PermissionError(errno.EACCES, f"only root can act as uid {uid}")
    # no password may be asked for: there is no terminal, and polkit would wait for the answer
    command = [program, "--no-ask-password", "--no-pager", "--quiet", action.verb, "--", action.name]
    output = run_program(command, ACT_SECONDS, uid)
    if output.status != 0:
        raise _refusal(output)


def _refusal(output: Output) -> OSError:
    number = next((number for text, number in _REFUSALS if text in output.error), errno.EIO)
    # OSError makes the subclass for the number: PermissionError, ProcessLookupError
    return OSError(number, output.error.decode("utf-8", "replace").strip()[:200])


def _find_program(root: str) -> str | None:
    paths = (os.path.join(root, program) for program in PROGRAMS)
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def _list_unit_files(root: str) -> list[str]:
    """Return the names of the services that have a unit file, without templates and aliases."""
    names: dict[str, None] = {}
    for folder in _UNIT_FOLDERS:
        path = os.path.join(root, folder)
        file_names = list_folder(path)
        names.update(dict.fromkeys(name for name in file_names if is_service_unit(name) and not _is_alias(path, name)))
    return list(names)


def _is_alias(folder: str, name: str) -> bool:
    """Return whether a unit file is a link to a unit of another name; a link to /dev/null masks the unit."""
    try:
        target = os.readlink(os.path.join(folder, name))
    except OSError:
        return False
    return target != os.devnull and os.path.basename(target) != name


def _pattern_of_any_case(name: str) -> str:
    """Return the pattern (fnmatch(3)) that matches a name in upper, lower and mixed case."""
    return "".join(
        f"[{letter.upper()}{letter}]" if letter.isalpha() else "\\\\" if letter == "\\" else letter for letter in name
    )


def parse_units(data: bytes) -> Iterator[Service]:
    """Yield the services that the output of ``systemctl show`` contains, one paragraph for each.

    Arguments of a program can contain newlines, which systemctl does not escape: so the value of ExecStart is read up
    to its closing brace. If ExecStart occurs several times, the first one is returned. If another property occurs
    twice, its value is None: one of the two may be from an argument.
    """
    lines = iter(data.split(b"\n"))
    values: dict[bytes, bytes | None] = {}
    for line in lines:
        if not line:
            if values:
                yield _make_service(values)
            values = {}
            continue
        key, _, value = line.partition(b"=")
        # an argument with a newline: the value goes on in the next line
        if key == _EXEC_KEY and not value.endswith(b" }"):
            value = b"\n".join([value, *_rest_of_command(lines)])
        if key == _EXEC_KEY and key in values:
            continue  # a oneshot service can have several commands, each in a line of its own
        values[key] = None if key in values else value
    if values:
        yield _make_service(values)


def _rest_of_command(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line
        if line.endswith(b" }") and b" ; status=" in line:
            return


def _make_service(values: Mapping[bytes, bytes | None]) -> Service:
    text, number = partial(_text, values), partial(_number, values)
    # code and status are 0 also where no process has been started yet
    has_run = bool(number("ExecMainPID")) and number("ExecMainCode") is not None
    return Service(
        name=text("Id") or "",
        manager="systemd",
        description=text("Description"),
        type=text("Type"),
        load_state=text("LoadState"),
        active_state=text("ActiveState"),
        sub_state=text("SubState"),
        freezer_state=text("FreezerState"),
        file_state=text("UnitFileState"),
        result=text("Result"),
        main_pid=number("MainPID"),
        exit_status=number("ExecMainStatus") if has_run and not number("MainPID") else None,
        command=_command(values.get(_EXEC_KEY)),
        user=text("User") or "root",
        can_stop=_flag(values, "CanStop"),
        can_freeze=_flag(values, "CanFreeze"),
    )


def _text(values: Mapping[bytes, bytes | None], name: str) -> str | None:
    value = values.get(name.encode())
    return value[:MAX_VALUE_BYTES].decode("utf-8", "surrogateescape") or None if value else None


def _number(values: Mapping[bytes, bytes | None], name: str) -> int | None:
    value = values.get(name.encode()) or b""
    return int(value) if value.isdigit() and len(value) < 20 else None


def _flag(values: Mapping[bytes, bytes | None], name: str) -> bool | None:
    return {b"yes": True, b"no": False}.get(values.get(name.encode()) or b"")


def _command(value: bytes | None) -> str | None:
    match = _EXEC.match(value or b"")
    return match and (match[2] or match[1])[:MAX_VALUE_BYTES].decode("utf-8", "surrogateescape")
