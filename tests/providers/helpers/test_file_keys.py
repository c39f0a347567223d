"""Tests of providers/helpers/file_keys.py: references to files, and paths in parts."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.providers.helpers.file_keys import file_reference, split_path


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/usr/lib/libc.so.6", ("/usr/lib/", "libc.so", "6")),
        ("/usr/bin/bash", ("/usr/bin/", "bash", "")),
        ("/root/.profile", ("/root/", ".profile", "")),
        ("/root/.config.old", ("/root/", ".config", "old")),
        ("/etc/trailing.", ("/etc/", "trailing", "")),
        ("/", ("/", "", "")),
        ("/memfd:code (deleted)", ("/", "memfd:code (deleted)", "")),
        ("no-folder.txt", ("", "no-folder", "txt")),
    ],
)
def test_parts_of_a_path(path: str, parts: tuple[str, str, str]) -> None:
    assert split_path(path) == parts


@given(st.text(st.sampled_from("ab./"), max_size=12))
def test_parts_agree_with_the_library(path: str) -> None:
    folder, name, extension = split_path(path)
    whole_name = os.path.basename(path)
    assert (folder + whole_name, name + ("." + extension if extension else "")) == (
        path,
        whole_name.removesuffix(".") if name != whole_name else whole_name,
    )


def test_a_reference_has_no_character_that_xml_has_not() -> None:
    assert file_reference("/opt/a\x1b[2J") == ("CIM_DataFile", "/opt/a\N{REPLACEMENT CHARACTER}[2J")
