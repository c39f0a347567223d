"""Tests of faces/cli/cim.py: instances are printed for people as they read them, and for scripts without loss."""

import argparse
import contextlib
import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import logonscope
from logonscope.cim.instances import Instance, Shape
from logonscope.cim.schema import LOGONSCOPE, schema
from logonscope.faces.cli.cim import SAMPLE_ROWS, print_instances, value_text
from tests.conversation import reply
from tests.example import recording
from tests.faces.cli.test_run import on_terminal

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def printed(instances: Iterator[Instance], output: str = "table", **options: Any) -> str:
    """Return what is printed of instances."""
    args = argparse.Namespace(**({"output": output, "properties": None, "system": False} | options))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_instances(args, instances, "nothing")
    return out.getvalue()


def sessions(count: int) -> Iterator[Instance]:
    """Return logon sessions with longer and longer numbers."""
    cls = schema().get("Win32_LogonSession")
    return (Instance(Shape(cls, {"LogonId": 0}, "web1", ("LogonId",)), (str(10**at),)) for at in range(count))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "TRUE"),
        (False, "FALSE"),
        (0, "0"),
        ("x", "x"),
        (b"\x00\xff", "00 ff"),
        (bytes(30), "00 " * 23 + "00 ... (30 bytes)"),
        (["a", 1], "{a, 1}"),
        (MOMENT, MOMENT.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")),
    ],
)  # fmt: skip
def test_a_value_is_shown_to_people_in_a_word(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert printed(sessions(3)) == "LogonId\n1\n10\n100\n"
    cls, columns = schema().get("Win32_SystemProcesses"), {"GroupComponent": 0, "PartComponent": 1}
    values = [(("Win32_ComputerSystem", name), ("Win32_Process", "1")) for name in ("a", "abc")]
    lines = printed(Instance(Shape(cls, columns, "web1", tuple(columns)), value) for value in values).splitlines()
    assert len({line.index("\\\\web1\\root\\cimv2:Win32_Process") for line in lines[1:]}) == 1


def test_a_long_answer_is_printed_as_it_comes() -> None:
    out, printed_before_the_last = io.StringIO(), False

    def instances() -> Iterator[Instance]:
        nonlocal printed_before_the_last
        for at, instance in enumerate(sessions(3 * SAMPLE_ROWS)):
            if at == 3 * SAMPLE_ROWS - 1:
                printed_before_the_last = bool(out.getvalue())
            yield instance

    with contextlib.redirect_stdout(out):
        print_instances(argparse.Namespace(output="table", properties=None, system=False), instances())
    assert printed_before_the_last
    assert len(out.getvalue().splitlines()) == 3 * SAMPLE_ROWS + 1


def test_an_array_is_shown_a_line_an_element(tmp_path: Path) -> None:
    host = logonscope.connect(recording(tmp_path))
    lines = printed(iter((host.get("LS_LogonSession=41", namespace=LOGONSCOPE),))).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Sources"))
    assert lines[at + 1].startswith(" " * len("Sources"))
    assert not any(line.rstrip().endswith(":") for line in lines)


def test_hostile_text_reaches_no_terminal() -> None:
    cls = schema().get("Win32_Process")
    names = ("Name", "Handle", "CommandLine")
    shape = Shape(cls, {name: at for at, name in enumerate(names)}, "web1", names)
    evil = Instance(shape, ("\x1b[2J", "1", "a\u202eb\n"))
    text = printed(iter((evil,)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text.splitlines()) == 2


def test_json_is_one_object_for_one_instance_and_a_list_for_several(tmp_path: Path) -> None:
    host = recording(tmp_path)
    _, out, _ = reply(["get", "Win32_LogonSession=41", "-o", "json", "--host", host])
    assert json.loads(out)["LogonId"] == "41"
    _, out, _ = reply(["enumerate", "Win32_LogonSession", "-o", "json", "--host", host])
    assert [row["LogonId"] for row in json.loads(out)][-1] == "63"
    _, out, _ = reply(["get", "Win32_LogonSession=41", "-o", "jsonl", "--system", "--host", host])
    assert json.loads(out)["__PATH"] == '\\\\web1\\root\\cimv2:Win32_LogonSession.LogonId="41"'


def test_csv_is_one_table_whatever_classes_there_are(tmp_path: Path) -> None:
    _, out, _ = reply(["associators", "Win32_Process=4312", "-o", "csv", "--host", recording(tmp_path)])
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["__CLASS"] for row in rows] == ["Win32_LogonSession", "Win32_ComputerSystem"]
    assert (rows[0]["LogonId"], rows[0]["TotalPhysicalMemory"]) == ("41", "")
    assert (rows[1]["LogonId"], rows[1]["TotalPhysicalMemory"]) == ("", str(8 << 30))


def test_an_array_is_one_text_in_csv(tmp_path: Path) -> None:
    words = ["get", "LS_Process=4312", "-n", "root/logonscope", "-p", "Arguments,CommandName", "-o", "csv"]
    _, out, _ = reply([*words, "--host", recording(tmp_path)])
    assert out.splitlines() == ["Arguments,CommandName", "python3; -m; http.server; 8080,70 79 74 68 6f 6e 33"]


@pytest.mark.parametrize("words", [["-p", ""], ["-p", " , "], ["-p"]])
def test_no_property_at_all_is_wrong_use(words: list[str]) -> None:
    code, out, err = reply(["enumerate", "Win32_LogonSession", *words])
    assert (code, out) == (2, "")
    assert "-p/--properties" in err


def test_properties_may_be_named_one_by_one_the_systems_too(tmp_path: Path) -> None:
    words = ["enumerate", "Win32_LogonSession", "-p", "logonid", "-p", "__relpath,__CLASS", "-o", "jsonl"]
    _, out, _ = reply([*words, "--host", recording(tmp_path)])
    assert json.loads(out.splitlines()[-1]) == {
        "LogonId": "63", "__RELPATH": 'Win32_LogonSession.LogonId="63"', "__CLASS": "Win32_LogonSession",
    }  # fmt: skip


def test_what_has_no_room_as_a_table_is_a_list(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "logonscope", "enumerate", "Win32_LoggedOnUser", "--host", recording(tmp_path)]
    narrow = on_terminal(command, columns=80).splitlines()
    assert narrow[0].startswith("Antecedent : ")
    assert any(line.startswith("Dependent  : ") and 'LogonId="41"' in line for line in narrow)
    assert on_terminal(command, columns=140).startswith("Antecedent   ")
