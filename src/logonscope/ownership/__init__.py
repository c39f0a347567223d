"""Which logon session owns which process, on what evidence, and what that logon session is: rules as pure functions.

Everything here is a pure function of facts, so that a recording made years ago gets today's answer. Above this layer
the rules are known by the interfaces ``machine.Ownership`` and ``machine.LogonIndex`` alone.
"""

from logonscope.ownership.linux import LINUX

__all__ = ["LINUX"]
