"""The three requests that are walked: a command, a query over WS-Management, a call of the library.

Each is a function of a host (a recording, a folder, None for this machine) and a pid that returns what is to be run.
"""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

import logonscope

Prepare = Callable[[str | None, int], Callable[[], object]]


def whose(host: str | None, pid: int) -> Callable[[], object]:
    """Prepare ``logonscope whose PID``, from the console script to the printed answer."""
    from logonscope.app import main  # noqa: PLC0415 -- each request imports its own part of the package

    def run() -> None:
        sys.argv = ["logonscope", "whose", str(pid), *([] if host is None else ["--host", host])]
        with redirect_stdout(io.StringIO()):
            assert main() == 0

    return run


def wql(host: str | None, _: int) -> Callable[[], object]:
    """Prepare an enumeration by a WQL query, from the bytes of the envelope to those of the answer."""
    from logonscope.broker import Caller  # noqa: PLC0415 -- each request imports its own part of the package
    from logonscope.dispatch.dispatcher import Dispatcher, ReceivedRequest  # noqa: PLC0415 -- the same
    from logonscope.dispatch.enumerations import Enumerations  # noqa: PLC0415 -- the same
    from logonscope.dispatch.operation import Limits  # noqa: PLC0415 -- the same
    from logonscope.machine import Deadline  # noqa: PLC0415 -- the same
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- the same
    from logonscope.server.wsman import WsmanDoor  # noqa: PLC0415 -- the same
    from logonscope.sources.choose import choose_source  # noqa: PLC0415 -- the same
    from logonscope.wire.wsman import names  # noqa: PLC0415 -- the same
    from tests.server import soap  # noqa: PLC0415 -- the same

    query = f'<w:Filter Dialect="{names.WQL}">SELECT * FROM Win32_SessionProcess</w:Filter>'
    body = f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>1000</w:MaxElements>{query}</n:Enumerate>"
    request = soap.envelope(names.ENUMERATE, "root/cimv2/*", body)
    dispatcher, door = Dispatcher(choose_source(host), LINUX, Enumerations(10, 10, 60.0), Limits()), WsmanDoor()
    message = ReceivedRequest(request, Caller("root", 0, administrator=True))

    def run() -> None:
        assert dispatcher.answer(door, message, Deadline(60.0)).status == 200

    return run


def associators(host: str | None, pid: int) -> Callable[[], object]:
    """Prepare all associators of a process, through a host that is connected already."""
    connected = logonscope.connect(host)

    def run() -> None:
        assert list(connected.associators(f'Win32_Process.Handle="{pid}"'))

    return run


PREPARED: dict[str, Prepare] = {"whose": whose, "wql": wql, "associators": associators}
