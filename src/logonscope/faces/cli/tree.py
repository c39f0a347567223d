"""``logonscope tree``: what runs in each login, as a tree; changes of user and leftovers are marked."""

import argparse
from typing import TYPE_CHECKING

from logonscope.client import Host
from logonscope.faces.cli.output import Column, counted, print_rows, when
from logonscope.faces.cli.parser import wants_color
from logonscope.faces.cli.ps import command
from logonscope.faces.cli.selector import add_selector, nothing
from logonscope.faces.cli.sentence import as_user
from logonscope.faces.cli.sessions import who
from logonscope.faces.cli.text import for_terminal, width
from logonscope.facts import LogonSession, LogonTree, SessionProcess

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

EXAMPLES = """\
examples:
  logonscope                           every logon session; System is folded
  logonscope tree --all                System's processes too
  logonscope tree 41                   one logon session
  logonscope tree alice                alice's
"""

_UNCUT = 100_000
"""Columns where the output is no terminal: nothing is cut."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)
    parser.add_argument("--all", action="store_true", help="show the processes of the System session too")


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the trees."""
    trees = host.tree(args.which)
    if args.output == "csv":
        return print_rows(
            args, (process for tree in trees for process in tree.processes), _NO_COLUMNS, nothing(args.which)
        )
    if args.output != "table" or not trees:
        return print_rows(args, trees, _NO_COLUMNS, nothing(args.which))
    console = _console(color=wants_color(args))
    for tree in trees:
        system = tree.session is not None and tree.session.logon_type == 0
        console.print(_drawn(tree, folded=system and not args.all and args.which is None), no_wrap=True, crop=False)
    return 0


def _console(*, color: bool) -> "Console":
    from rich.console import Console  # noqa: PLC0415 -- 0.1 s: no other answer needs it

    return Console(color_system="auto" if color else None, highlight=False, width=width() or _UNCUT, soft_wrap=False)


def _drawn(tree: LogonTree, *, folded: bool) -> "Tree":
    """Draw one logon session; a process stands below its parent where that is of the same session."""
    from rich.tree import Tree as Drawn  # noqa: PLC0415 -- see above

    session = tree.session
    root = Drawn(_header(session, len(tree.processes), folded=folded), guide_style="dim")
    if folded:
        return root
    pids = {process.pid for process in tree.processes}
    children: dict[int | None, list[SessionProcess]] = {}
    for process in sorted(tree.processes, key=lambda process: process.pid):
        inside = process.ppid in pids and process.ppid != process.pid
        children.setdefault(process.ppid if inside else None, []).append(process)
    stack: list[tuple[Tree, SessionProcess, SessionProcess | None]]
    stack = [(root, process, None) for process in reversed(children.get(None, []))]
    while stack:
        branch, process, parent = stack.pop()
        node = branch.add(_node(process, parent, session))
        stack += [(node, child, process) for child in reversed(children.get(process.pid, []))]
    return root


def _header(session: LogonSession | None, count: int, *, folded: bool) -> "Text":
    from rich.text import Text  # noqa: PLC0415 -- see above

    if session is None:
        return Text(f"in logon sessions that are not yours: {counted(count, 'process')}", style="bold")
    text = Text(f"{session.logon_id} {for_terminal(who(session))}", style="bold", no_wrap=True, overflow="ellipsis")
    said = [session.logon_type_name or "LogonType not known" if session.logon_type else None]
    said += [f"from {session.remote_host}" if session.remote_host else session.seat, session.service, session.tty]
    said += [f"since {when(session.start)}" if session.start else None]
    if session.logon_type:
        said += [session.state if session.vouched_by else "nobody vouches for it"]
    text.append(for_terminal("  " + "  ".join(part for part in said if part)), style="not bold")
    if session.leftovers:
        text.append(f"  {session.leftovers} left over", style="not bold yellow")
    if folded:
        text.append(f"  {counted(count, 'process')} (--all shows them)", style="not bold dim")
    return text


def _node(process: SessionProcess, parent: SessionProcess | None, session: LogonSession | None) -> "Text":
    from rich.text import Text  # noqa: PLC0415 -- see above

    text = Text(f"{process.pid} ", style="dim", no_wrap=True, overflow="ellipsis")
    if process.leftover:
        text.append("[left over] ", style="not dim yellow")
    if session is not None and (change := as_user(process, parent, session)):
        text.append(for_terminal(change) + " ", style="not dim cyan")
    return text.append(for_terminal(command(process)), style="not dim")


_NO_COLUMNS: tuple[Column, ...] = ()
