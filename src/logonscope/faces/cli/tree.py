"""``logonscope tree``: what runs in each login, as a tree; changes of user and leftovers are marked."""

import argparse
from collections.abc import Iterator

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import LogonTree, SessionProcess
from logonscope.client import Host
from logonscope.faces.cli.output import counted, print_rows
from logonscope.faces.cli.parser import wants_color
from logonscope.faces.cli.ps import command
from logonscope.faces.cli.selector import add_selector, nothing
from logonscope.faces.cli.sentence import as_user
from logonscope.faces.cli.sessions import since, who
from logonscope.faces.cli.text import crop, for_terminal, styled, width

EXAMPLES = """\
A time behind "~" is approximate: no login service has a record, and it is the earliest start of its processes.

examples:
  logonscope                           every logon session; System is folded
  logonscope tree --all                System's processes too
  logonscope tree 41                   one logon session
  logonscope tree alice                alice's
"""

BRANCH, LAST, BAR, BLANK, DEEPER = "├── ", "└── ", "│   ", "    ", "… "
"""How a branch is drawn; DEEPER stands for the branches above it where a terminal has no room for them."""

ROOM_FOR_TEXT = 20
"""Columns that are left to the text however deep its branch is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)
    parser.add_argument("--all", action="store_true", help="show the processes of the System session too")


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the trees."""
    trees = host.tree(args.which)
    if args.output == "csv":
        return print_rows(args, (process for tree in trees for process in tree.processes), nothing=nothing(args.which))
    if args.output != "table" or not trees:
        return print_rows(args, trees, nothing=nothing(args.which))
    room, color = width(), wants_color(args)
    for tree in trees:
        system = tree.session is not None and tree.session.logon_type == 0
        folded = system and not args.all and args.which is None
        header = crop(for_terminal(_header(tree.session, len(tree.processes), folded=folded)), room)
        print(styled(header, "bold", color=color))
        for guide, text in () if folded else _drawn(tree, room):
            print(styled(guide, "dim", color=color) + text)
    return 0


def _drawn(tree: LogonTree, room: int | None) -> Iterator[tuple[str, str]]:
    """Yield guide and text of each process of a logon session, below its parent where that is of the same session."""
    roots, children = _branches(tree)
    stack: list[_Branch] = _siblings(roots, None, "")
    while stack:
        process, parent, above, last = stack.pop()
        guide = above + (LAST if last else BRANCH)
        if room is not None and len(guide) > room - ROOM_FOR_TEXT:
            guide = DEEPER
        yield guide, crop(_label(process, parent, tree.session, room), None if room is None else room - len(guide))
        stack += _siblings(children.pop(process.pid, []), process, above + (BLANK if last else BAR))


_Branch = tuple[SessionProcess, SessionProcess | None, str, bool]
"""A process, its parent, the guides above it, and whether it is the last of its parent's."""


def _siblings(processes: list[SessionProcess], parent: SessionProcess | None, above: str) -> list[_Branch]:
    """Return branches as they lie on a stack: the first on top."""
    return [(process, parent, above, process is processes[-1]) for process in reversed(processes)]


def _branches(tree: LogonTree) -> tuple[list[SessionProcess], dict[int, list[SessionProcess]]]:
    """Return the processes whose parent is not of the session, and the others by parent.

    A parent is older than its child: one that is not has only got the parent's pid since.
    """
    known = {process.pid: process for process in tree.processes}
    roots: list[SessionProcess] = []
    children: dict[int, list[SessionProcess]] = {}
    for process in sorted(tree.processes, key=lambda process: process.pid):
        parent = known.get(process.ppid or 0)
        if parent is None or parent is process or _age(parent) > _age(process):
            roots.append(process)
        else:
            children.setdefault(parent.pid, []).append(process)
    return roots, children


def _age(process: SessionProcess) -> tuple[float, int]:
    return process.start.timestamp() if process.start else 0.0, process.pid


def _header(session: LogonSession | None, count: int, *, folded: bool) -> str:
    if session is None:
        return f"in logon sessions that are not yours: {counted(count, 'process')}"
    said = [f"{session.logon_id} {who(session)}"]
    if session.logon_type != 0:
        said.append(session.logon_type_name or "LogonType not known")
    said += filter(None, [f"from {session.remote_host}" if session.remote_host else session.seat])
    said += filter(None, [session.service, session.tty, f"since {since(session)}" if session.start else None])
    if session.logon_type != 0:
        said.append((session.state or "state not known") if session.vouched_by else "nobody vouches for it")
    if session.leftovers:
        said.append(f"{session.leftovers} left over")
    if folded:
        said.append(f"{counted(count, 'process')} (--all shows them)")
    return "  ".join(said)


def _label(
    process: SessionProcess, parent: SessionProcess | None, session: LogonSession | None, room: int | None
) -> str:
    change = as_user(process, parent, session) if session else ""
    marks = [str(process.pid), "[left over]" if process.leftover else "", change]
    text = command(process)
    return for_terminal(" ".join([*filter(None, marks), text if room is None else text[:room]]))
