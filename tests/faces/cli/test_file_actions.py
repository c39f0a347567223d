"""Tests of faces/cli/file_actions.py: an action has the file of its command, and the options of every command."""

import argparse
from pathlib import Path
from typing import NamedTuple

import pytest

from logonscope.faces.cli.file_actions import (
    ROLE_COLUMN,
    UID_COLUMN,
    ActionHelp,
    ManagedFile,
    add_actions,
    describe_empty,
    describe_visible,
)
from logonscope.faces.cli.parser import Parser

HELPS = {
    "add": ActionHelp("add a key", "examples"),
    "list": ActionHelp("list the keys", "examples"),
    "remove": ActionHelp("remove a key", "examples"),
}


class Key(NamedTuple):
    """An entry of a file."""

    name: str
    uid: int | None
    administrator: bool


def keys_parser() -> Parser:
    parser = Parser(prog="logonscope keys")
    add = add_actions(parser, ManagedFile("--keys", "/etc/keys"), HELPS, "the name of the key")
    add.add_argument("name")
    return parser


def test_an_action_has_its_file_and_the_options_of_every_command() -> None:
    parser = keys_parser()
    assert parser.parse_args(["list"]).keys == "/etc/keys"
    args = parser.parse_args(["list", "-o", "json", "--keys", "here"])
    assert args == argparse.Namespace(action="list", output="json", keys="here")


def test_add_and_remove_take_a_name() -> None:
    parser = keys_parser()
    assert [parser.parse_args([action, "k1"]).name for action in ("add", "remove")] == ["k1", "k1"]


def test_the_help_of_an_action_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        keys_parser().parse_args(["remove", "--help"])
    text = capsys.readouterr().out
    assert "Remove a key." in text
    assert "the name of the key" in text


def test_an_empty_file_differs_from_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    assert describe_empty(str(path), "keys") == f"{path} does not exist"
    path.touch()
    assert describe_empty(str(path), "keys") == f"{path} has no keys"


@pytest.mark.parametrize(
    ("key", "visible", "cells"),
    [
        (Key("k1", None, administrator=True), "everything", ("-", "administrator")),
        (Key("k2", 1000, administrator=False), "the logon sessions of uid 1000", ("1000", "user")),
    ],
)
def test_what_an_entry_sees(key: Key, visible: str, cells: tuple[str, str]) -> None:
    assert describe_visible(key) == visible
    assert (UID_COLUMN.text_of(key), ROLE_COLUMN.text_of(key)) == cells
