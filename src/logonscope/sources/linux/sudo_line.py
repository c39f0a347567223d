"""Parser of the line that sudo logs about a command, run or refused: a pure function of its text.

sudo writes it in new_logline() of eventlog.c; the fields are in this order, and only USER and COMMAND are always there:

    ACCOUNT : [REASON ; ][HOST=... ; ][TTY=... ; ][CHROOT=... ; ][PWD=... ; ]USER=... ; [GROUP=... ; ]
    [TSID=... ; ][ENV=... ; ]COMMAND=...

The directory (PWD) can contain any text, also " ; USER=". If a line can be read in several ways, its command is
not known. sudo splits a line of more than syslog_maxlen bytes (sudoers(5), 980 by default). Only the first part is
read: its command is cut.
"""

import re
from typing import NamedTuple

MAX_LINE_LENGTH = 32_768
"""Maximum characters of a line; a longer one is not read."""

_LINE = re.compile(
    r" *([^ :]{1,256}) : (?!\(command continued\) )(?:((?!PWD=|TTY=|HOST=|USER=|CHROOT=)[^=;]{1,200}) ; )?(.*)"
)
_FIELDS = re.compile(
    r"(?:HOST=[^;]* ; )?(?:TTY=([^; ]*) ; )?(?:CHROOT=.*? ; )?(?:PWD=.*? ; )?USER=([^; ]+) ; (?:GROUP=[^; ]* ; )?"
    r"(?:TSID=[^; ]* ; )?(?:ENV=.*? ; )?COMMAND=(.*)"
)
_ATTEMPTS = re.compile(r"([0-9]{1,3}) incorrect password attempts?")


class SudoLine(NamedTuple):
    """The parts of a line."""

    account: str  # who ran sudo
    reason: str | None  # why the command was refused; None: it was run
    attempts: int  # number of wrong passwords; 1 if there is another reason, or no reason
    tty: str | None = None
    user: str | None = None  # the user to become
    command: str | None = None


def parse_sudo_line(text: str) -> SudoLine | None:
    """Parse a line of sudo; return None for any other line."""
    match = _LINE.fullmatch(text) if len(text) <= MAX_LINE_LENGTH and text.isprintable() else None
    if match is None:
        return None
    account, reason, rest = match.groups()
    attempts_match = _ATTEMPTS.fullmatch(reason or "")
    line = SudoLine(account, reason, int(attempts_match[1]) if attempts_match else 1)
    fields = _FIELDS.fullmatch(rest)
    if fields is None:
        return line if reason is not None else None
    # a directory or a command contains a text that looks like a field: it is not known which text is the field
    if rest.count(" ; USER=") + rest.startswith("USER=") > 1 or rest.count(" ; COMMAND=") > 1:
        return line
    return line._replace(tty=fields[1], user=fields[2], command=fields[3])
