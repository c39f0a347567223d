"""Troubles: what could not be read, the reason, and what to do."""

from typing import NamedTuple

PARTIAL = "this recording"
"""``subject`` of the Trouble that has the reason why a recording is partial."""

SOCKETS = "sockets"
"""``subject`` of every Trouble about files that list sockets."""

NO_ANSWER_WITHIN = "no answer within"
"""Beginning of the reason for a fact that is unread because its read hangs; the timeout follows."""

NOT_TRIED = "not tried: the arguments of too many other processes hang"
"""The reason for arguments that are not read: each read that hangs occupies a thread, and too many hang already."""

NOT_KEPT = "not kept in the history"
"""The reason why something of a host at a past moment cannot be read: the history never keeps it."""


class Trouble(NamedTuple):
    """Something that could not be read, or a doubt about what was read; reported once per request.

    Only ``doctor``, recordings and a few messages show troubles.
    """

    subject: str
    reason: str
    advice: str
