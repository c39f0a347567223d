"""Colours: whether the output has them.

The option --color decides, else NO_COLOR, else FORCE_COLOR, else the settings file, else whether the output is a
terminal. https://no-color.org, https://force-color.org.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Literal

Choice = Literal["auto", "always", "never"]

CHOICES: tuple[Choice, ...] = ("auto", "always", "never")


def chosen_color(option: Choice | None, environment: Mapping[str, str], setting: Choice | None) -> Choice:
    """Return the choice with the highest precedence."""
    if option is not None:
        return option
    if environment.get("NO_COLOR"):
        return "never"
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return "always"
    return setting or "auto"


def wants_color(args: argparse.Namespace) -> bool:
    """Return whether standard output gets colours."""
    choice = getattr(args, "color", None) or "auto"
    if choice == "auto":
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return bool(choice == "always")
