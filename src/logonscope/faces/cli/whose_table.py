"""The table of many answers to ``whose``: processes with their logins, one line each."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from logonscope.answers.whose import Whose
from logonscope.faces.cli import process_text, session_text
from logonscope.faces.cli.columns import EXTRA, ListColumn
from logonscope.faces.cli.table import print_table
from logonscope.faces.cli.text import format_time, terminal_width, wrapped
from logonscope.faces.cli.times import shorten_time


def print_answers(args: argparse.Namespace, answers: Sequence[Whose]) -> None:
    """Print one line for each answer, and the command that shows an answer in full."""
    print_table(args, list(answers), COLUMNS)
    hint = f"`logonscope whose {answers[0].pid}` shows the evidence, and commands to look it up"
    for line in wrapped(hint, terminal_width()):
        print(line)


def _short_start_text(answer: Whose, cells: int, now: datetime) -> str:
    return shorten_time(answer.session.start, cells, now)


def _short_type_text(answer: Whose, cells: int, _: datetime) -> str:
    return session_text.type_text(answer.session, cells)


COLUMNS = (
    ListColumn("PID", 7, lambda a: str(a.pid), "pid"),
    ListColumn("RUNS AS", 8, lambda a: process_text.user_text(a.process), rank=5, min_cells=8),
    ListColumn("ID", 10, lambda a: session_text.selecting_word(a.session)),
    ListColumn("USER", 8, lambda a: session_text.user_text(a.session), rank=1, min_cells=8),
    ListColumn("FROM", 15, lambda a: session_text.origin_text(a.session), rank=4, min_cells=15),
    ListColumn(
        "TYPE", 22, lambda a: session_text.type_text(a.session), rank=EXTRA, min_cells=12, shorten=_short_type_text
    ),
    ListColumn("STATE", 10, lambda a: a.session.state or "-", rank=2),
    ListColumn(
        "SINCE", 16, lambda a: format_time(a.session.start), rank=EXTRA + 1, min_cells=11, shorten=_short_start_text
    ),
    ListColumn("COMMAND", 0, lambda a: process_text.command_text(a.process)),
)
