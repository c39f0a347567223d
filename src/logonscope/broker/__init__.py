"""The operations: each asks a source for what it needs, decides ownership, and keeps what the caller may see."""

from logonscope.broker.access import Caller, local_caller
from logonscope.broker.request import Request

__all__ = ["Caller", "Request", "local_caller"]
