"""Rules of ownership: which logon session owns a process, by which evidence, and the description of logon sessions.

The rules are pure functions of facts, so that the present rules also apply to an old recording. Other layers use the
rules only through the interfaces ``machine.Ownership`` and ``machine.LogonIndex``.
"""

from logonscope.ownership.linux import LINUX

__all__ = ["LINUX"]
