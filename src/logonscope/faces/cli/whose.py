"""``logonscope whose TARGET...``: the login that processes belong to, with the evidence and commands to look it up."""

import argparse
from collections.abc import Iterator, Sequence

from logonscope.answers.logon_session import Detail
from logonscope.answers.whose import Whose
from logonscope.client import Host
from logonscope.errors import LogonscopeError, NotFoundError
from logonscope.faces.cli.exit_codes import exit_code
from logonscope.faces.cli.messages import print_error
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.text import styled, terminal_width, wants_color, wrapped
from logonscope.faces.cli.whose_groups import group_answers
from logonscope.faces.cli.whose_text import (
    describe_authentication,
    describe_evidence,
    describe_login,
    describe_notes,
    describe_parents,
    describe_processes,
    group_headline,
    headline,
    lookup_commands,
)

INDENT = 12
"""Cells before the details of an answer."""

MAX_IN_SENTENCES = 5
"""Maximum number of groups of answers to a target that are printed as sentences; more are printed as a table."""

HELP = "a pid, a process name, :PORT, ADDRESS:PORT, /PATH of a program or a unix socket, or an account"

AUTH_HELP = (
    "also how an ssh login authenticated, and its client's port; reads the leader's sockets, and systemd's journal, "
    "or without a journal /var/log/auth.log or /var/log/secure (where any user can add lines)"
)

EPILOG = """\
examples:
  logonscope whose 4312                the login that started process 4312
  logonscope whose sshd                every process of that name
  logonscope whose :8080 :ssh          processes that listen on these ports, or are connected through them
  logonscope whose 127.0.0.1:8080 '[::1]:8080'
                                       only on these addresses
  logonscope whose :8080 --all-namespaces
                                       also in the network namespaces of containers
  logonscope whose /usr/bin/python3    every process that runs this program
  logonscope whose /run/app.sock       processes that hold this unix socket; @app for an abstract name
  logonscope whose alice               processes of alice's logins, and processes that run as alice
  logonscope whose user:postgres       the account, where a process has the same name; name:postgres is the process
  logonscope whose --auth 4312         also how the login authenticated: the ssh key, and the client's port
  logonscope whose 4312 -o json        for a script, with the source of every value
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("target", nargs="+", metavar="TARGET", help=HELP)
    parser.add_argument("--auth", action="store_true", help=AUTH_HELP)
    parser.add_argument(
        "--all-namespaces", action="store_true", help="look for ports and unix sockets in every network namespace"
    )


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the answers for every target; return the greatest of the exit codes of the targets."""
    by_target, code = find_answers(host, args)
    if args.output != "table":
        print_rows(args, [answer for answers in by_target for answer in answers])
        return code
    for number, answers in enumerate(by_target):
        print("\n" * (number > 0), end="")
        _print_answers(args, answers)
    return code


def find_answers(host: Host, args: argparse.Namespace) -> tuple[list[list[Whose]], int]:
    """Print the error of each target without an answer; return the answers for each other target, and the exit code.

    The exit code is the greatest of the exit codes of the targets.
    """
    by_target: list[list[Whose]] = []
    code = 0
    # an error of one target does not prevent the answers to the others
    for target in args.target:
        try:
            by_target.append(_answers_for_target(host, args, target))
        except LogonscopeError as error:
            code = max(code, exit_code(error))
            print_error(error, args)
    return by_target, code


def _answers_for_target(host: Host, args: argparse.Namespace, target: str) -> list[Whose]:
    """Return the answers for a target. Without --host, links in a path are resolved on this machine."""
    details: tuple[Detail, ...] = ("origin", "authentication") if args.auth else ()
    if args.host is not None or "/" not in target:
        return host.whose(target, details, all_namespaces=args.all_namespaces)
    from logonscope.faces.cli.path_target import explain_missing, resolve_path  # noqa: PLC0415 -- most targets are pids

    try:
        return host.whose(resolve_path(target), details, all_namespaces=args.all_namespaces)
    except NotFoundError as error:
        raise explain_missing(target, error) from None


def _print_answers(args: argparse.Namespace, answers: Sequence[Whose]) -> None:
    """Print the answers as sentences, or as a table if there are many."""
    groups = [answers] if len(answers) == 1 else group_answers(answers)
    if len(groups) > MAX_IN_SENTENCES:
        from logonscope.faces.cli.whose_table import print_answers  # noqa: PLC0415 -- one answer needs no table

        print_answers(args, answers)
        return
    for number, group in enumerate(groups):
        print("\n" * (number > 0), end="")
        for line in _detail_lines(group, color=wants_color(args), with_authentication=args.auth):
            print(line)


def _detail_lines(group: Sequence[Whose], *, color: bool, with_authentication: bool) -> Iterator[str]:
    """Yield the lines of an answer, or of a group of answers: the headline, then the details with headings."""
    room, answer, details = terminal_width(), group[0], []
    for line in wrapped(headline(answer) if len(group) == 1 else group_headline(group), room):
        yield styled(line, "bold", color=color)
    if len(group) > 1:
        details.append(("processes", [describe_processes(group)]))
    details.append(("login", [describe_login(answer.session)]))
    if with_authentication:
        details.append(("auth", [describe_authentication(answer.session)]))
    if answer.process.pod_uid:
        details.append(("pod", [f"{answer.process.pod_uid} (Kubernetes)"]))
    details += [("evidence", [describe_evidence(answer)]), ("parents", [describe_parents(answer)])]
    details += [("note", describe_notes(answer)), ("look up", list(lookup_commands(answer)))]
    for heading, texts in details:
        lines = [line for text in texts for line in wrapped(text, room and room - INDENT)]
        for number, line in enumerate(lines):
            label = f"{'' if number else heading:9}"
            yield f"  {styled(label, 'dim', color=color)} {line}"
