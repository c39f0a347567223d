"""Checkouts of the project: this one, and another revision in a temporary git worktree, built as the wheel is built."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from bench.tools import ENVIRONMENT, UnavailableError, first_line

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_BUILD = """
import hatch_build
from hatchling.builders.hooks.plugin.interface import BuildHookInterface as Interface
hooks = [kind for kind in vars(hatch_build).values() if isinstance(kind, type) and issubclass(kind, Interface)]
for hook in hooks:
    if hook is not Interface:
        hook(".", {}, None, None, "", "wheel").initialize("editable", {"artifacts": []})
"""
"""Runs the build hooks of a checkout, whatever they are called and generate."""


class Checkout(NamedTuple):
    """A folder that holds the project."""

    root: str

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment in which Python imports logonscope and bench from here; sets have one order."""
        path = os.pathsep.join([os.path.join(self.root, "src"), self.root])
        return {**ENVIRONMENT, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}

    def build(self) -> None:
        """Generate what the wheel has beside the sources, as the schema.

        Raises:
            UnavailableError: the build hook fails.
        """
        _run([sys.executable, "-c", _BUILD], self.root, self.environment)


@contextmanager
def checked_out(revision: str) -> Iterator[Checkout]:
    """Check a revision out into a temporary worktree for the time of a ``with`` block, and build it.

    Raises:
        UnavailableError: there is no such revision, or this is no repository.
    """
    with tempfile.TemporaryDirectory(prefix="logonscope-base-") as folder:
        root = os.path.join(folder, "checkout")
        _run(["git", "worktree", "add", "--quiet", "--detach", root, revision], HERE)
        try:
            checkout = Checkout(root)
            checkout.build()
            yield checkout
        finally:
            _run(["git", "worktree", "remove", "--force", root], HERE)


def _run(words: list[str], folder: str, environment: Mapping[str, str] = ENVIRONMENT) -> None:
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [first_line(done.stderr)]
        raise UnavailableError(f"`{' '.join(words[:3])} ...` failed: {reason[0]}")
