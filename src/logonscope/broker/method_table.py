"""Type of the tables of supported methods."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.broker.request import Request
from logonscope.cim.binding import Target
from logonscope.cim.instances import Outcome
from logonscope.cim.types import Value


class SupportedMethod(NamedTuple):
    """A supported method: the functions that read its target and run it, and whether it changes something."""

    function: Callable[[Any, Mapping[str, Value]], Outcome]
    acts: bool
    read_target: Callable[[Request, Target], Any]
