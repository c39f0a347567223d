"""Operations on a source. Each operation returns only what the caller may see."""

from logonscope.broker.access import Caller, local_caller
from logonscope.broker.request import Request

__all__ = ["Caller", "Request", "local_caller"]
