"""The command ``logonscope``: one file for each subcommand, imported only when the subcommand runs."""

from logonscope.faces.cli.run import run

__all__ = ["run"]
