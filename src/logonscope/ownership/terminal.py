"""Which terminal is it? Names a tty_nr, and finds the terminal that a login gave to its person.

logind leaves ssh logins without a terminal (systemd 257 everywhere, its state files before that too), and a terminal
is all that parts RemoteInteractive from Network: so it is taken from the processes right below the leader.
"""

from collections.abc import Iterable

from logonscope.facts import Process

_NAMES = {
    (4, range(64)): "tty{}",
    (4, range(64, 256)): "ttyS{}",
    (188, range(1 << 20)): "ttyUSB{}",
    (166, range(1 << 20)): "ttyACM{}",
    (229, range(1 << 20)): "hvc{}",
    (204, range(64, 80)): "ttyAMA{}",
}
"""Device numbers of terminals (admin-guide/devices.txt of the kernel)."""


def terminal_name(tty_nr: int | None) -> str | None:
    """Name a terminal as ps does: pts/3, tty1, ttyS0; None for 0, which is "no terminal"."""
    if not tty_nr:
        return None
    number = tty_nr & 0xFFFFFFFF
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return f"pts/{((major - 136) << 8) | minor}"
    if (major, minor) == (5, 1):
        return "console"
    for (of, minors), name in _NAMES.items():
        if major == of and minor in minors:
            return name.format(minor - minors.start)
    return f"{major}:{minor}"


def terminal_below(leader: Process, members: Iterable[Process]) -> str | None:
    """Return the terminal of the leader, else of the first generation below it that is not the login program's own.

    Deeper ones do not count: tmux, script and sudo make terminals inside a login that was given none.
    """
    children: dict[int | None, list[Process]] = {}
    for process in members:
        if process.pid != leader.pid:
            children.setdefault(process.ppid, []).append(process)
    generation, seen = [leader], {leader.pid}
    while generation:
        for process in generation:
            if process.tty_nr:
                return terminal_name(process.tty_nr)
        if any(process.comm != leader.comm for process in generation):
            return None
        generation = [child for parent in generation for child in children.get(parent.pid, ()) if child.pid not in seen]
        seen.update(child.pid for child in generation)
    return None
