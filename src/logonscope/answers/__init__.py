"""What people's questions return: plain rows, made of facts and of what ownership says about them."""

from logonscope.answers.check import Check
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import LogonTree, SessionOf, SessionProcess
from logonscope.answers.whose import Whose

__all__ = ["Check", "LogonSession", "LogonTree", "SessionOf", "SessionProcess", "Whose"]
