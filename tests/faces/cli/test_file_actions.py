"""Tests of faces/cli/file_actions.py: an action has the file of its command, and the options of every command."""

import argparse

from logonscope.faces.cli.file_actions import ManagedFile, add_action
from logonscope.faces.cli.parser import Parser


def test_an_action_has_its_file_and_the_options_of_every_command() -> None:
    actions = Parser(prog="logonscope").add_subparsers(dest="action", parser_class=Parser)
    action = add_action(actions, ManagedFile("--keys", "/etc/keys"), "list", "list the keys", "examples")
    assert action.parse_args([]).keys == "/etc/keys"
    args = action.parse_args(["-o", "json", "--keys", "here"])
    assert args == argparse.Namespace(output="json", keys="here")
    assert "List the keys." in action.format_help()
