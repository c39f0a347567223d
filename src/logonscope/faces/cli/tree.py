"""``logonscope tree``: the processes of each logon session as a tree, with changes of user and leftovers marked."""

import argparse
from collections.abc import Iterator
from functools import partial
from operator import attrgetter

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import LogonTree, SessionProcess
from logonscope.client import Host
from logonscope.display import count_text
from logonscope.faces.cli import selector
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.process_text import command_text
from logonscope.faces.cli.selector import add_selector, logon_filter, no_match_message
from logonscope.faces.cli.session_text import (
    container_label,
    is_logged_out,
    is_user_manager,
    selecting_word,
    start_text,
    type_text,
    user_change_mark,
    user_text,
    with_managers_after_logins,
)
from logonscope.faces.cli.text import cell_width, crop, for_terminal, styled, terminal_width, wants_color

EPILOG = (
    """\
A time after "~" is approximate: no login service has a record of the login, so the time is the start of the
earliest process whose parent is outside the logon session.

examples:
  logonscope                           every logon session; the System session and each user manager take one line
  logonscope tree --all                every logon session with all processes
  logonscope tree 41                   one logon session
  logonscope tree alice                alice's logon sessions
  logonscope --from 203.0.113.7 --watch
                                       the logins from an address, redrawn when something changes

"""
    + selector.FILTER_NOTES
)

BRANCH, LAST, BAR, BLANK, DEEPER = "├── ", "└── ", "│   ", "    ", "… "
"""The parts of a guide: the drawn lines before the text of a process. DEEPER replaces a guide that has no room."""

MIN_TEXT_CELLS = 20
"""Minimum number of cells for the text of a process, at any depth."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser)
    parser.add_argument(
        "--all", action="store_true", help="show the processes of the System session and of user managers too"
    )


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the trees; return the exit code."""
    trees = host.tree(args.which, logon_filter(host, args))
    if args.output in {"csv", "pids"}:
        return print_rows(
            args,
            (process for tree in trees for process in tree.processes),
            empty_message=partial(no_match_message, host, args),
        )
    if args.output != "table" or not trees:
        return print_rows(args, trees, empty_message=partial(no_match_message, host, args))
    room, color = terminal_width(), wants_color(args)
    # if only one logon session is shown, its processes are shown, too
    for tree in _order_trees(trees):
        folded = not args.all and len(trees) > 1 and _is_folded(tree.session)
        for line in _header_lines(tree, room, color=color, folded=folded):
            print(line)
        for guide, text in () if folded else _draw_tree(tree, room):
            print(styled(guide, "dim", color=color) + text)
    return FOUND


def _order_trees(trees: list[LogonTree]) -> list[LogonTree]:
    """Return the trees, each user manager after the login that caused it; trees without a logon session are last."""
    by_logon_id = {tree.session.logon_id: tree for tree in trees if tree.session is not None}
    sessions = with_managers_after_logins(tree.session for tree in trees if tree.session is not None)
    # processes whose logon session is hidden from the caller, or could not be read
    without_session = [tree for tree in trees if tree.session is None]
    return [*(by_logon_id[session.logon_id] for session in sessions), *without_session]


def _is_folded(session: LogonSession | None) -> bool:
    """Return whether a logon session among others is shown without its processes, unless --all is set."""
    return session is not None and (session.logon_type == 0 or is_user_manager(session))


def _draw_tree(tree: LogonTree, room: int | None) -> Iterator[tuple[str, str]]:
    """Yield the guide and the text of each process. A process is below its parent if both are in the logon session."""
    roots, children = _group_by_parent(tree)
    # a stack rather than recursion: a chain of processes can be deeper than Python's recursion limit
    stack: list[_Branch] = _sibling_branches(roots, None, "")
    while stack:
        process, parent, guides_above, is_last = stack.pop()
        guide = guides_above + (LAST if is_last else BRANCH)
        if room is not None and len(guide) > room - MIN_TEXT_CELLS:
            guide = DEEPER
        yield (
            guide,
            crop(_process_label(process, parent, tree.session, room), None if room is None else room - len(guide)),
        )
        stack += _sibling_branches(children.pop(process.pid, []), process, guides_above + (BLANK if is_last else BAR))


_Branch = tuple[SessionProcess, SessionProcess | None, str, bool]
"""A process, its parent, the guides above it, and whether it is the last child of its parent."""


def _sibling_branches(
    processes: list[SessionProcess], parent: SessionProcess | None, guides_above: str
) -> list[_Branch]:
    """Return the branches of one parent in the order of a stack: the first process is the last item."""
    return [(process, parent, guides_above, process is processes[-1]) for process in reversed(processes)]


def _group_by_parent(tree: LogonTree) -> tuple[list[SessionProcess], dict[int, list[SessionProcess]]]:
    """Return the processes whose parent is not in the logon session, and the others by the pid of their parent."""
    by_pid = {process.pid: process for process in tree.processes}
    roots: list[SessionProcess] = []
    children: dict[int, list[SessionProcess]] = {}
    for process in sorted(tree.processes, key=attrgetter("pid")):
        parent = by_pid.get(process.ppid or 0)
        # a "parent" that started after its child has only reused the pid of the real parent
        if parent is None or parent is process or _start_order(parent) > _start_order(process):
            roots.append(process)
        else:
            children.setdefault(parent.pid, []).append(process)
    return roots, children


def _start_order(process: SessionProcess) -> tuple[float, int]:
    return process.start.timestamp() if process.start else 0.0, process.pid


def _header_lines(tree: LogonTree, room: int | None, *, color: bool, folded: bool) -> Iterator[str]:
    """Yield the lines about a logon session: the most important part first, wrapped between parts."""
    parts = [*_header_parts(tree, folded=folded)]
    style = "alarm" if tree.session is not None and is_logged_out(tree.session) else "bold"
    while parts:
        line = crop(for_terminal(parts.pop(0)), room)
        while parts and (room is None or cell_width(line) + 2 + cell_width(for_terminal(parts[0])) <= room):
            line += f"  {for_terminal(parts.pop(0))}"
        yield styled(line, style, color=color)
        # the next line continues this one
        if parts:
            parts[0] = f"    {parts[0]}"


def _header_parts(tree: LogonTree, *, folded: bool) -> Iterator[str]:
    """Yield the parts of the text about a logon session, the most important first."""
    session, count = tree.session, count_text(len(tree.processes), "process")
    hint = " (--all shows them)" if folded else ""
    if session is None:
        are_hidden = all(process.evidence == "hidden" for process in tree.processes)
        yield f"{count} {'of yours outside your logon sessions' if are_hidden else 'whose logon session is not known'}"
    elif session.logon_type == 0:
        yield from ("system", f"{count} without a known login")
        yield from ["(--all shows them)"] if folded else []
        yield from [f"since {start_text(session)}"] if session.start else []
    else:
        yield f"{selecting_word(session)} {user_text(session)}"
        if session.remote_host or session.seat:
            yield f"from {session.remote_host or session.seat}"
        logon_type = type_text(session) if session.logon_type is not None else "LogonType not known"
        yield f"user manager, {logon_type}" if is_user_manager(session) else logon_type
        yield (session.state or "state not known") if session.recorded_by else "no login record"
        yield f"{count}, {session.leftovers} left over" if session.leftovers else f"{count}{hint}"
        yield from filter(
            None, [f"since {start_text(session)}" if session.start else None, session.service, session.tty]
        )


def _process_label(
    process: SessionProcess, parent: SessionProcess | None, session: LogonSession | None, room: int | None
) -> str:
    """Return the text of a process: pid, marks and command line."""
    user_change = user_change_mark(process, parent, session) if session else ""
    container = f"[in {container_label(process)}]" if process.container_id else ""
    marks = [str(process.pid), "[left over]" if process.leftover else "", container, user_change]
    # a command line can have megabytes: cut it before its characters are checked
    text = command_text(process)
    return for_terminal(" ".join([*filter(None, marks), text if room is None else text[:room]]))
