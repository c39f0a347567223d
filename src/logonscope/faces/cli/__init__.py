"""The command ``logonscope``: a file a command, each imported only when it is asked for."""

from logonscope.faces.cli.run import run

__all__ = ["run"]
