"""faces/cli/history_formats.py: the history in the formats of other tools, of a real journal."""

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from logonscope import Host
from logonscope.faces.cli.history_formats import PRUNE_ROWS, Parents
from logonscope.formats.history_events import past_process
from tests.faces.cli.test_history import ask, host_with_history
from tests.formats.test_history_events import END, PROCESS, START
from tests.formats.test_ocsf import SCHEMA, check


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host_with_history(tmp_path_factory.mktemp("kept")) as made:
        yield made


def documents(host: Host, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert ask(host, *words) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_login_has_its_events(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    lines = documents(host, capsys, "user1003", "-o", "ocsf")
    logins = [login for login in host.history() if login.user == "user1003"]
    expected = [
        uid
        for login in logins
        for uid, moment in ((login.guid, login.start), (f"{login.guid}/LoggedOut", login.logout))
        if moment is not None
    ]
    assert [line["metadata"]["uid"] for line in lines if line["activity_id"] != 99] == expected
    for line in lines:
        check(line, SCHEMA["events"]["3002"], "3002")


@pytest.mark.parametrize("output", ["ecs", "ocsf", "otel", "sysmon"])
def test_each_process_has_its_start_and_its_end(host: Host, capsys: pytest.CaptureFixture[str], output: str) -> None:
    rows = list(host.past_processes())
    lines = documents(host, capsys, "--processes", "-o", output)
    assert len(lines) == len(rows) + sum(row.end is not None and not row.end_is_approximate for row in rows)
    if output == "sysmon":
        assert {line["EventID"] for line in lines} == {1, 5}
        records = {row.record for row in rows}
        with_parents = sum(line.get("ParentProcessGuid", "-") != "-" for line in lines)
        assert with_parents == sum(row.parent_record in records for row in rows)


@pytest.mark.parametrize("words", [[], ["--processes"]])
def test_a_parquet_file_has_the_rows(host: Host, capfdbinary: pytest.CaptureFixture[bytes], words: list[str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert ask(host, *words, "-o", "parquet") == 0
    sys.stdout.flush()
    rows = parquet.read_table(io.BytesIO(capfdbinary.readouterr().out)).to_pylist()
    expected = list(host.past_processes()) if words else host.history()
    assert [row["record"] for row in rows] == [row.record for row in expected]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "sysmon"], "Sysmon has no event for logons"),
        (["--columns", "user", "-o", "ecs"], "cannot choose columns of ecs"),
        (["verify", "-o", "ecs"], "cannot print the result of verify as ecs"),
        (["nobody-here", "-o", "ecs"], "no login of 'nobody-here' in the history"),
        (["--failed", "--logons-only", "nobody-here", "-o", "ecs"], "no failed logon in the history"),
    ],
)
def test_what_is_refused(host: Host, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert ask(host, *words) != 0
    assert message in capsys.readouterr().err


def test_parents_that_have_ended_are_forgotten() -> None:
    parents, row = Parents(), past_process(PROCESS, None)
    for number in range(PRUNE_ROWS):
        parents.add(PROCESS._replace(record=str(number), end=START), row)
    parents.add(PROCESS._replace(record=str(PRUNE_ROWS), start=END), row)
    assert parents.find(str(PRUNE_ROWS)) is row
    assert parents.find("1") is None
    assert parents.find(None) is None
