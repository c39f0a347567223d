"""Tests of providers/cim_data_file.py: values of a file that a process has mapped."""

import pytest

from logonscope.providers.helpers.file_keys import FilePath, split_path
from tests.hosts import user
from tests.providers.asked import PROCESSES, everything, one, python3, values, web1

LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
NAMES = ("Name", "Path", "FileName", "Extension", "CreationClassName", "CSName", "FileSize")


def test_each_file_once() -> None:
    host = python3(mapped_files=(f"1000 {LIBC}", "2000 /usr/bin/python3"))
    assert everything(host, "CIM_DataFile", *NAMES) == [
        (LIBC, "/usr/lib/x86_64-linux-gnu/", "libc.so", "6", "CIM_DataFile", "web1", None),
        ("/usr/bin/python3", "/usr/bin/", "python3", "", "CIM_DataFile", "web1", None),
    ]


def test_a_file_by_its_name() -> None:
    assert one(python3(mapped_files=(f"1000 {LIBC}",)), f'CIM_DataFile.Name="{LIBC}"', "FileName") == "libc.so"


def test_a_user_does_not_see_the_files_of_a_process_of_root() -> None:
    host = python3(mapped_files=(f"1000 {LIBC}",))
    assert values(host.query("SELECT Name FROM CIM_DataFile"), "Name") == [LIBC]
    rows = tuple(row._replace(mapped_files=(f"1000 {LIBC}",)) for row in PROCESSES if row.pid == 4312)
    assert everything(web1(user(1000), processes=rows), "CIM_DataFile", "Name") == []


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/usr/bin/bash", ("/usr/bin/", "bash", "")),
        ("/a.b/.hidden", ("/a.b/", ".hidden", "")),
        ("/memfd:x (deleted)", ("/", "memfd:x (deleted)", "")),
        ("/x.tar.gz", ("/", "x.tar", "gz")),
        ("/x.", ("/", "x", "")),
        ("", ("", "", "")),
    ],
)
def test_the_parts_of_a_path(path: str, parts: tuple[str, str, str]) -> None:
    assert split_path(path) == FilePath(*parts)
