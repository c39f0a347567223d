"""broker/records.py: the classes about the history, with what a caller may see of them, by every narrowing."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from logonscope.broker.associations import associators, references
from logonscope.broker.explain import explain
from logonscope.broker.history import history, past_processes
from logonscope.broker.instances import get
from logonscope.cim.instances import ClassRows
from logonscope.machine.history import RecordKind
from tests.broker.past import BOB, CAROL, CLASSES, KINDS, SPACE, ask, everything, keep, request, rows
from tests.broker.test_history import ROOT, moment
from tests.journal.kept import Kept
from tests.journal.test_recorder import make, started

LETTERS = "sS\u017fiI\u0130\u0131\u03c3\u03c2\u03a3k\u212a\u00df\u1e9e"
"""Letters of which ``re.IGNORECASE`` takes some for equal that ``str.lower`` does not."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    story = keep(tmp_path_factory.mktemp("records"))
    yield story
    story.keeper.stop()


def test_logon_records_are_those_of_the_history(kept: Kept) -> None:
    answered = {login.record: login for login in history(request(kept))}
    found = {row["RecordId"]: row for row in everything(kept, "LS_LogonRecord")}
    assert answered.keys() == {number for number, row in found.items() if row["LogonId"] != "4294967295"}
    for number, login in answered.items():
        row = found[number]
        assert (row["LogonId"], row["User"], row["Uid"]) == (login.logon_id, login.user, login.uid)
        assert (row["StartTime"], row["KeyFingerprint"]) == (login.start, login.key_fingerprint)


def test_like_finds_names_whose_letters_are_equal_in_capitals(tmp_path: Path) -> None:
    names = [f"{letter}{rest}" for letter in LETTERS for rest in ("", "x")]
    kept = Kept(tmp_path / "history")
    kept.feed([started(make(500 + pid, 5_000, name=name, comm=name), 5_000) for pid, name in enumerate(names)])
    kept.move_all()
    for name in names:
        where = f"Name LIKE '{name}%'"
        # the same rows, but no column is limited
        unlimited = ask(kept, f"SELECT Name FROM LS_ProcessRecord WHERE RecordId < '' OR ({where})")
        limited = ask(kept, f"SELECT Name FROM LS_ProcessRecord WHERE {where}")
        assert limited == unlimited
        assert name in {row["Name"] for row in limited}
    kept.keeper.stop()


def test_process_records_are_those_of_the_story(kept: Kept) -> None:
    found = everything(kept, "LS_ProcessRecord")
    lives = [(life.pid, life.logon_id, life.end is None) for life in kept.story.lives]
    assert [(row["ProcessId"], row["LogonId"], row["EndTime"] is None) for row in found] == lives


@pytest.mark.parametrize("caller", [ROOT, BOB], ids=["root", "bob"])
@pytest.mark.parametrize("where", [
    "Name = 'p1'", "Name = 'P1'", "Name LIKE 'p1%'", "Name LIKE '%1'", "Name LIKE 'P1%' OR Name LIKE 'p12%'",
    "ProcessId = 420", "ProcessId > 420", "LogonId = '1'", "LogonId = '1' OR LogonId = '8'", "LoginUser = 'USER1001'",
    "LoginUid = 1001", "LoginUid = 1002", "User = 'user1001'", "User = 'user1002'", "ExitCode = 1", "EndTime IS NULL",
    "LogonRecordId = '000000000003'", "RecordId > '000000000500'",
    "StartTime >= '{middle}'", "StartTime < '{middle}'", "EndTime > '{middle}'",
    "EndTime <= '{middle}'", "StartTime > '{middle}' AND StartTime < '{late}' AND Name LIKE 'p%'",
    "StartTime < '{middle}' AND EndTime >= '{middle}'", "StartTime = '{exact}'", "EndTime = '{end}'",
    "NOT (StartTime < '{middle}')", "StartTime < '{early}' OR StartTime > '{late}'",
])  # fmt: skip
def test_a_condition_narrows_to_the_rows_that_match(kept: Kept, where: str, caller: Any) -> None:
    """The oracle reads all rows without a condition and evaluates it with an index that narrows nothing."""
    all_rows = everything(kept, "LS_ProcessRecord", caller)
    times = sorted(row["StartTime"] for row in all_rows)
    ends = sorted(row["EndTime"] for row in all_rows if row["EndTime"])
    places = {
        "early": times[len(times) // 4], "middle": times[len(times) // 2], "late": times[-len(times) // 4],
        "exact": times[7], "end": ends[5],
    }  # fmt: skip
    text = where.format(**{name: time.isoformat() for name, time in places.items()})
    # `RecordId IS NOT NULL OR x` has the same rows, but no column is limited
    unlimited = ask(kept, f"SELECT * FROM LS_ProcessRecord WHERE RecordId < '' OR ({text})", caller)
    narrowed = ask(kept, f"SELECT * FROM LS_ProcessRecord WHERE {text}", caller)
    assert narrowed == unlimited
    everyone = {row["RecordId"] for row in all_rows}
    assert {row["RecordId"] for row in narrowed} <= everyone


@pytest.mark.parametrize("where", [
    "User = 'USER1003'", "Uid = 1003", "KeyFingerprint = 'sha256:KEY1003'", "KeyFingerprint LIKE 'SHA256:key1003%'",
    "LogonId = '3'", "StartTime >= '{middle}'", "StartTime <= '{middle}'",
    "EndTime IS NULL AND StartTime >= '{middle}'",
])  # fmt: skip
def test_a_condition_on_logon_records(kept: Kept, where: str) -> None:
    times = sorted(row["StartTime"] for row in everything(kept, "LS_LogonRecord"))
    text = where.format(middle=times[len(times) // 2].isoformat())
    unlimited = ask(kept, f"SELECT * FROM LS_LogonRecord WHERE RecordId < '' OR ({text})")
    assert ask(kept, f"SELECT * FROM LS_LogonRecord WHERE {text}") == unlimited
    assert unlimited


@pytest.mark.parametrize(("text", "index"), [
    ("SELECT * FROM LS_ProcessRecord WHERE ProcessId = 420", "process_zone"),
    ("SELECT * FROM LS_ProcessRecord WHERE Name = 'p1'", "process_program"),
    ("SELECT * FROM LS_ProcessRecord WHERE LoginUser = 'user1001'", "process_place"),
    ("SELECT * FROM LS_ProcessRecord WHERE StartTime > '20260101000000.000000+000'", "record number"),
    ("SELECT * FROM LS_ProcessRecord WHERE RecordId = '000000000005'", "record number"),
    ("SELECT * FROM LS_LogonRecord WHERE User = 'user1001'", "logon_user"),
    ("SELECT * FROM LS_LogonRecord WHERE Uid = 1001", "logon_uid"),
    ("SELECT * FROM LS_LogonRecord WHERE KeyFingerprint LIKE 'SHA256:key1001%'", "logon_key"),
    ("SELECT * FROM LS_ChangeRecord WHERE ProcessRecordId = '000000000005'", "change_process"),
])  # fmt: skip
def test_explain_names_the_index(kept: Kept, text: str, index: str) -> None:
    (part,) = explain(request(kept), text, SPACE).parts
    assert any(f"by index {index}" in reading for reading in part.reads), part.reads


def test_associations_lead_from_each_end_to_the_other(kept: Kept) -> None:
    for name in ("LS_LogonProcessRecord", "LS_ProcessChangeRecord", "LS_LogonSessionRecord", "LS_RunningProcessRecord"):
        pairs = [(row["Antecedent"], row["Dependent"]) for row in everything(kept, name)]
        assert len(pairs) == len(set(pairs)), name
        for near, far in pairs[:: max(1, len(pairs) // 5)]:
            for start, end in ((near, far), (far, near)):
                key = f'"{start[1]}"' if isinstance(start[1], str) else start[1]
                path = f"{start[0]}.{'Handle' if start[0] == 'LS_Process' else _key(start[0])}={key}"
                found = rows(
                    result
                    for result in associators(request(kept), path, namespace=SPACE)
                    if result.cls.name == end[0]
                )  # fmt: skip
                keys = [row["Handle" if end[0] == "LS_Process" else _key(end[0])] for row in found]
                assert end[1] in keys, (name, path)
                assert rows(references(request(kept), path, namespace=SPACE))


def _key(name: str) -> str:
    return "LogonId" if name == "LS_LogonSession" else "RecordId"


def test_changes_are_those_of_the_processes(kept: Kept) -> None:
    changes = everything(kept, "LS_ChangeRecord")
    processes = {row["RecordId"]: row for row in everything(kept, "LS_ProcessRecord")}
    assert {row["Uid"] for row in changes} >= {0, 1001}
    for row in changes:
        process = processes[row["ProcessRecordId"]]
        assert (row["ProcessId"], row["LogonId"]) == (process["ProcessId"], process["LogonId"])
        assert row["ChangeTime"] > process["StartTime"]
        assert row["Name"] == "vi" or row["Uid"] == 0


def test_a_process_that_became_root_shows_no_details_to_its_user(kept: Kept) -> None:
    changes = [
        row
        for caller in (BOB, CAROL)
        for row in everything(kept, "LS_ChangeRecord", caller)
        if row["Uid"] == 0
    ]  # fmt: skip
    assert changes
    assert {(row["ExecutablePath"], row["CommandLine"]) for row in changes} == {(None, None)}


def test_running_processes_have_their_records(kept: Kept) -> None:
    running = {str(life.pid) for life in kept.story.lives if life.end is None}
    assert {row["Antecedent"][1] for row in everything(kept, "LS_RunningProcessRecord")} == running


def test_a_record_is_found_by_its_path(kept: Kept) -> None:
    row = everything(kept, "LS_ProcessRecord")[11]
    result = get(request(kept), f'LS_ProcessRecord.RecordId="{row["RecordId"]}"', namespace=SPACE)
    assert isinstance(result, ClassRows)
    assert rows([result]) == [row]


@pytest.mark.parametrize("name", sorted({*CLASSES} - {"LS_FailedLogonRecord"}))
def test_a_user_sees_what_is_its_own_and_nothing_else(kept: Kept, name: str) -> None:
    own = {str(number) for number in range(1, 13) if 1000 + number % 7 == 1001}
    mine, all_rows = everything(kept, name, BOB), everything(kept, name)
    records = {
        (end, row["RecordId"]): row["LogonId"]
        for end in ("LS_ProcessRecord", "LS_LogonRecord")
        for row in everything(kept, end)
    }

    def logon_of(row: dict[str, Any]) -> str | None:
        if "LogonId" in row:
            return str(row["LogonId"])
        ends = [row["Antecedent"], row["Dependent"]]
        return next((records[end] for end in ends if end in records), None)

    def identity(row: dict[str, Any], number: Callable[[RecordKind, str], int | None]) -> Any:
        if "RecordId" in row:
            return number(KINDS[name], row["RecordId"])
        ends = (row["Antecedent"], row["Dependent"])
        return tuple((end, number(KINDS[end], key) if end in KINDS else key) for end, key in ends)

    # an administrator gets the numbers themselves, others opaque keys
    revealed = {identity(row, kept.history().reveal_number) for row in mine}
    assert revealed == {identity(row, lambda _, key: int(key)) for row in all_rows if logon_of(row) in own}
    # the same uid with another name then: nothing is its own
    assert everything(kept, name, BOB, names={1001: "bob"}) == []
    assert mine


@pytest.mark.parametrize(("name", "number"), [*itertools.product(("LS_LogonRecord", "LS_ProcessRecord"), (0, 40))])
def test_a_hidden_record_is_not_found(kept: Kept, name: str, number: int) -> None:
    row = [row for row in everything(kept, name) if row["LogonId"] in {"2", "9"}][min(number, 1)]
    key_of_carol = kept.history().hide_number(KINDS[name], int(row["RecordId"]))
    for caller in (BOB, CAROL):
        found = ask(kept, f"SELECT * FROM {name} WHERE RecordId = '{key_of_carol}'", caller)
        assert bool(found) is (caller is CAROL), row
        # the number that an administrator gets is none of a user
        assert not ask(kept, f"SELECT * FROM {name} WHERE RecordId = '{row['RecordId']}'", caller)


def test_keys_of_a_user_do_not_show_how_much_others_did(kept: Kept) -> None:
    every, mine = everything(kept, "LS_ProcessRecord"), everything(kept, "LS_ProcessRecord", BOB)
    # what an administrator gets is in the order of the starts, what a user gets in none
    assert [row["RecordId"] for row in every] == sorted(row["RecordId"] for row in every)
    keys = [row["RecordId"] for row in mine]
    assert sorted(keys) not in (keys, keys[::-1])
    assert not any(key.isdecimal() for key in {*keys, *(row["LogonRecordId"] for row in mine)})
    # they are the keys of what they name, for the same user
    by_key = {row["RecordId"]: row for row in everything(kept, "LS_LogonRecord", BOB)}
    assert {row["LogonId"] for row in mine} == {by_key[row["LogonRecordId"]]["LogonId"] for row in mine}
    assert {row["ParentRecordId"] for row in mine} <= {None, *keys}
    (part,) = explain(request(kept, BOB), f"SELECT * FROM LS_ProcessRecord WHERE RecordId = '{keys[0]}'", SPACE).parts
    assert any(f"record {keys[0]}:" in reading for reading in part.reads), part.reads
    texts = explain(request(kept, BOB), "SELECT * FROM LS_ProcessRecord WHERE Name = 'p1'", SPACE).parts[0].reads
    assert any(next(iter(by_key)) in text for text in texts), texts


def test_past_processes_of_the_command_are_the_same_rows(kept: Kept) -> None:
    for caller in (ROOT, BOB):
        by_record = {row["RecordId"]: row for row in everything(kept, "LS_ProcessRecord", caller)}
        for process in past_processes(request(kept, caller)):
            row = by_record[process.record]
            assert (row["Name"], row["CommandLine"], row["StartTime"]) == (
                process.name, process.command_line, process.start,
            )  # fmt: skip


def test_a_time_without_rows_has_none(kept: Kept) -> None:
    late = moment(10**9).isoformat()
    assert ask(kept, f"SELECT * FROM LS_ProcessRecord WHERE StartTime > '{late}'") == []
    assert ask(kept, f"SELECT * FROM LS_ChangeRecord WHERE ChangeTime > '{late}'") == []
