"""Troubles: what could not be read, the reason, and what to do."""

from typing import NamedTuple

PARTIAL = "this recording"
"""``what`` of the Trouble whose ``why`` is the reason that a recording is partial."""

SOCKETS = "sockets"
"""``what`` of every Trouble about files that list sockets."""


NO_ANSWER_WITHIN = "no answer within"
"""Beginning of the reason why a fact is unread whose read hangs; the timeout follows."""

NOT_TRIED = "not tried: the arguments of too many other processes hang"
"""The reason why arguments are unread that were not tried, because each read that hangs keeps a thread."""


class Trouble(NamedTuple):
    """Something that could not be read; reported once per request, not once per process."""

    subject: str
    reason: str
    advice: str
