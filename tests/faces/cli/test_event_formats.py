"""Tests of faces/cli/event_formats.py: what each command prints for other tools."""

import io
import json
import sys
from typing import Any

import pytest

from logonscope.app import connect, open_user_file
from logonscope.faces.cli import run
from tests.conversation import answer
from tests.example import recording

FORMATS = ("ecs", "ocsf", "otel", "sysmon")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recording(tmp_path_factory.mktemp("host"))


def printed(words: str, host: str) -> list[Any]:
    return [json.loads(line) for line in answer(words, host).splitlines()]


@pytest.mark.parametrize("output", FORMATS)
def test_each_command_prints_a_line_for_each_row(output: str, recorded: str) -> None:
    host = connect(recorded)
    counts = {
        "ps": len(list(host.processes())), "leftovers": len(host.leftovers().processes),
        "whose sshd": len(host.whose("sshd")), "ps 41": len(list(host.processes(41))),
    }  # fmt: skip
    if output != "sysmon":
        counts["sessions"] = len(host.sessions())
    for words, count in counts.items():
        assert len(printed(f"{words} -o {output}", recorded)) == count


def test_leftovers_are_leftovers(recorded: str) -> None:
    pids = {process.pid for process in connect(recorded).leftovers().processes}
    assert {line["ProcessId"] for line in printed("leftovers -o sysmon", recorded)} == pids


@pytest.mark.parametrize("words", ["ps 99", "sessions nobody", "leftovers 99", "leftovers"])
def test_without_rows_the_message_is_that_of_the_table(words: str, recorded: str) -> None:
    message = answer(words, recorded)
    if words == "leftovers":  # the host has some
        assert answer(f"{words} -o ecs", recorded).startswith("{")
    else:
        assert message.startswith("! logonscope: ")
        assert answer(f"{words} -o ecs", recorded) == message


def test_what_has_no_such_format(recorded: str) -> None:
    message = "cannot print classes as ecs; -o ecs is for history, leftovers, ps, sessions, watch, whose"
    assert message in answer("classes -o ecs", recorded)
    assert "Sysmon has no event for logon sessions" in answer("sessions -o sysmon", recorded)
    assert "cannot print services as ecs; use -o json" in answer("sessions --services -o ecs", recorded)
    assert "cannot choose columns of ocsf: it has its own names" in answer("ps --columns pid -o ocsf", recorded)


@pytest.mark.parametrize("order", ["", "--sort pid", "--sort name --reverse", "--sort tty", "--reverse"])
def test_documents_have_the_order_of_the_list(order: str, recorded: str) -> None:
    pids = [row["pid"] for row in printed(f"ps {order} -o jsonl", recorded)]
    assert [line["process"]["pid"] for line in printed(f"ps {order} -o ecs", recorded)] == pids
    order = order.replace("pid", "leader").replace("name", "user")
    ids = [row["logon_id"] for row in printed(f"sessions {order} -o jsonl", recorded)]
    assert [line["session"]["uid"] for line in printed(f"sessions {order} -o ocsf", recorded)] == ids


def test_authentication_and_origin_are_in_the_document(recorded: str) -> None:
    (line,) = printed("sessions 41 --auth -o ecs", recorded)
    assert line["process"]["entry_leader"]["entry_meta"]["type"] == "sshd"


def test_a_table_for_lakes(recorded: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run(["ps", "-o", "parquet", "--host", recorded], connect, open_user_file) == 0
    sys.stdout.flush()
    table = parquet.read_table(io.BytesIO(capfdbinary.readouterr().out))
    assert table.num_rows == len(list(connect(recorded).processes()))
