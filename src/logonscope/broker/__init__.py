"""Operations: each reads a source, determines the owners of processes, and returns only what the caller may see."""

from logonscope.broker.access import Caller, local_caller
from logonscope.broker.request import Request

__all__ = ["Caller", "Request", "local_caller"]
