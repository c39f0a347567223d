"""Tests of faces/cli/exit_codes.py: every error ends the command with the documented exit code."""

import pytest

from logonscope import errors
from logonscope.errors import LogonscopeError
from logonscope.faces.cli.exit_codes import exit_code
from logonscope.faces.cli.parser import build_parser


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.NotFoundError, 1),
        (errors.InvalidParameterError, 2),
        (errors.RecordingError, 2),
        (errors.AccessDeniedError, 3),
        (errors.TransportFailureError, 69),
        (errors.TimedOutError, 69),
        (errors.ServerTooBusyError, 69),
    ],
)
def test_exit_codes_are_the_documented_ones(kind: type[LogonscopeError], code: int) -> None:
    assert exit_code(kind("x")) == code
    assert f"  {code:<5}" in build_parser().format_help()
