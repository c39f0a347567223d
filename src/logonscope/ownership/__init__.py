"""Rules of ownership: which logon session owns a process, by which evidence, and the description of logon sessions.

Everything here is a pure function of facts, so that an old recording is answered by today's rules. Other layers use
the rules only through the interfaces ``machine.Ownership`` and ``machine.LogonIndex``.
"""

from logonscope.ownership.linux import LINUX

__all__ = ["LINUX"]
