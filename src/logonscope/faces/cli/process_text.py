"""Processes as text, for several commands."""

from logonscope.answers.session_process import SessionProcess


def command_text(row: SessionProcess) -> str:
    """Return the command line of a process; if it has none, its name in brackets, as ps(1) shows it."""
    return row.command_line or f"[{row.name or '?'}]{' <defunct>' if row.state == 'Z' else ''}"


def user_text(row: SessionProcess, unknown: str = "-") -> str:
    """Return the user that a process runs as: the name, or else the uid; ``unknown`` if neither is known."""
    return row.user or (unknown if row.uid is None else str(row.uid))
