"""``logonscope tree``: what runs in each login, as a tree; changes of user and leftovers are marked."""

import argparse
from collections.abc import Iterator

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import LogonTree, SessionProcess
from logonscope.client import Host
from logonscope.faces.cli import selector
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import counted, print_rows
from logonscope.faces.cli.ps import command
from logonscope.faces.cli.selector import add_selector, logon_filter, nothing
from logonscope.faces.cli.sessions import is_logged_out, since, type_text, who, with_managers_behind, word
from logonscope.faces.cli.text import cells, crop, for_terminal, styled, wants_color, width
from logonscope.faces.cli.whose_text import as_user, is_manager

EXAMPLES = (
    """\
A time behind "~" is approximate: no login service has a record, and it is the earliest start of its processes.

examples:
  logonscope                           every logon session; System and user managers are folded
  logonscope tree --all                their processes too
  logonscope tree 41                   one logon session
  logonscope tree alice                alice's
  logonscope --from 203.0.113.7 --watch
                                       what runs in the logins from there, again every two seconds

"""
    + selector.EXAMPLES
)

BRANCH, LAST, BAR, BLANK, DEEPER = "├── ", "└── ", "│   ", "    ", "… "
"""How a branch is drawn; DEEPER stands for the branches above it where a terminal has no room for them."""

ROOM_FOR_TEXT = 20
"""Columns that are left to the text however deep its branch is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)
    parser.add_argument(
        "--all", action="store_true", help="show the processes of the System session and of user managers too"
    )


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the trees."""
    trees = host.tree(args.which, logon_filter(host, args))
    if args.output in {"csv", "pids"}:
        return print_rows(args, (process for tree in trees for process in tree.processes), nothing=nothing(args))
    if args.output != "table" or not trees:
        return print_rows(args, trees, nothing=nothing(args))
    room, color = width(), wants_color(args)
    for tree in _in_order(trees):
        folded = not args.all and len(trees) > 1 and _is_folded(tree.session)
        for line in _header(tree, room, color=color, folded=folded):
            print(line)
        for guide, text in () if folded else _drawn(tree, room):
            print(styled(guide, "dim", color=color) + text)
    return FOUND


def _in_order(trees: list[LogonTree]) -> list[LogonTree]:
    """Return the trees with each user manager behind the login that caused it."""
    by_session = {tree.session.logon_id: tree for tree in trees if tree.session is not None}
    sessions = with_managers_behind(tree.session for tree in trees if tree.session is not None)
    hidden = [tree for tree in trees if tree.session is None]
    return [*(by_session[session.logon_id] for session in sessions), *hidden]


def _is_folded(session: LogonSession | None) -> bool:
    """Return whether a logon session is one line: the System session and user managers, which are no person's doing."""
    return session is not None and (session.logon_type == 0 or is_manager(session))


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


def _header(tree: LogonTree, room: int | None, *, color: bool, folded: bool) -> Iterator[str]:
    """Yield the lines about a logon session: what matters first, wrapped between its parts where there is no room."""
    parts = [*_parts(tree, folded=folded)]
    style = "alarm" if tree.session is not None and is_logged_out(tree.session) else "bold"
    while parts:
        line = crop(for_terminal(parts.pop(0)), room)
        while parts and (room is None or cells(line) + 2 + cells(for_terminal(parts[0])) <= room):
            line += f"  {for_terminal(parts.pop(0))}"
        yield styled(line, style, color=color)
        if parts:
            parts[0] = f"    {parts[0]}"


def _parts(tree: LogonTree, *, folded: bool) -> Iterator[str]:
    session, count = tree.session, counted(len(tree.processes), "process")
    more = " (--all shows them)" if folded else ""
    if session is None:
        yield f"in logon sessions that are not yours: {count}"
    elif session.logon_type == 0:
        yield from ("system", f"{count} that no login started")
        yield from ["(--all shows them)"] if folded else []
        yield f"since {since(session)}"
    else:
        yield f"{word(session)} {who(session)}"
        if session.remote_host or session.seat:
            yield f"from {session.remote_host or session.seat}"
        kind = type_text(session) if session.logon_type is not None else "LogonType not known"
        yield f"user manager, {kind}" if is_manager(session) else kind
        yield (session.state or "state not known") if session.vouched_by else "nobody vouches for it"
        yield f"{count}, {session.leftovers} left over" if session.leftovers else f"{count}{more}"
        yield from filter(None, [f"since {since(session)}" if session.start else None, session.service, session.tty])


def _label(
    process: SessionProcess, parent: SessionProcess | None, session: LogonSession | None, room: int | None
) -> str:
    change = as_user(process, parent, session) if session else ""
    marks = [str(process.pid), "[left over]" if process.leftover else "", change]
    text = command(process)
    return for_terminal(" ".join([*filter(None, marks), text if room is None else text[:room]]))
