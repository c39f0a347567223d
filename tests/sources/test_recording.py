"""Tests of sources/recording.py: a recording is answered like its host, and a damaged one raises an error."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from logonscope.client import LocalHost
from logonscope.errors import (
    AccessDeniedError,
    InvalidParameterError,
    LogonscopeError,
    NotSupportedError,
    RecordingError,
)
from logonscope.facts import ALL_FACTS, UNIX, Account, Process, Socket
from logonscope.machine import (
    AccountQuery,
    BaseSource,
    LogonHint,
    Look,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    Source,
    Trouble,
)
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.recording import FORMAT, MAX_LINE_LENGTH, VERSION, RecordedSource, save_recording
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.sources.snapshots import snapshots

OLD = str(Path(__file__).with_name("web1.lsr"))
"""A recording of format 1 as it was first written: the example host, with the process and the troubles below."""

OLD_PROCESS = Process(
    7001, comm="\udcff\x1b[2J(", cmdline=b"caf\xe9\0\0\x1b[31m\0", ppid=1, unread={"ses": "Permission denied"}
)
OLD_TROUBLES = [
    Trouble("/run/systemd/sessions/42", "it names no UID", "restart the login service"),
    Trouble("this recording", "made by uid 1000: it holds its own logon sessions alone", "record with sudo"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def sound(folder: Path) -> bytes:
    """Return the bytes of the example host's recording."""
    return Path(example.recording(folder)).read_bytes()


def is_unix(socket: Socket) -> bool:
    """Return whether a socket is a unix socket."""
    return socket.protocol == UNIX


def whole(source: BaseSource) -> Snapshot:
    """Return all that a source holds."""
    look = Look()
    users, groups = source.accounts(look, AccountQuery(users="ALL", groups="ALL"))
    parts: dict[str, Any] = {
        "machine": source.machine(look, frozenset({"platform", "vitals", "hardware"})),
        "processes": tuple(source.processes(look, ProcessQuery(ALL_FACTS))),
        "sockets": (
            *source.sockets(look, SocketQuery(all_namespaces=True)),
            *source.sockets(look, SocketQuery(family="unix", all_namespaces=True)),
        ),
        "users": tuple(users),
        "groups": tuple(groups),
        "troubles": look.troubles,
        "authentications": tuple(source.read_authentications(look)),
        "services": tuple(source.services(look, ServiceQuery())),
    }
    # the query of any other part has its name, and no argument
    parts |= {name: tuple(getattr(source, name)(look)) for name in Snapshot._fields if name not in parts}
    return Snapshot(**parts)


def distinct(troubles: Iterable[Trouble]) -> list[Trouble]:
    """Return each trouble once, as a look has it."""
    return list(dict.fromkeys(troubles))


def host_of(source: Source) -> LocalHost:
    """Return the host that a source answers for."""
    return LocalHost(source, LINUX, ROOT, save_recording)


def answers(host: LocalHost) -> list[object]:
    """Ask whatever needs no argument."""
    return [host.sessions(), list(host.processes()), list(host.session_processes()), host.tree(), host.doctor()]


def load(folder: Path, content: bytes) -> RecordedSource:
    """Read a recording of these bytes."""
    path = folder / "given.lsr"
    path.write_bytes(content)
    return RecordedSource.open(str(path))


def written(rows: list[Any]) -> bytes:
    """Return the bytes of a recording with these rows."""
    return gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows), 1)


def rows_of(content: bytes) -> list[Any]:
    """Return the rows of a recording."""
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


# There and back


# no shrinking, which takes minutes: the failure names the fields that differ
@given(snapshots)
@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_recording_answers_as_the_machine_did(folder: Path, snapshot: Snapshot) -> None:
    path = str(folder / "back.lsr")
    assert save_recording(snapshot, path, replace=True) == len(list(snapshot.processes))
    back = RecordedSource.open(path)
    # a recording has the sockets in the order in which they are read: network sockets first
    sockets = tuple(sorted(snapshot.sockets, key=is_unix))
    assert whole(back) == snapshot._replace(
        processes=tuple(snapshot.processes), sockets=sockets, troubles=distinct(snapshot.troubles)
    )
    assert answers(host_of(back)) == answers(host_of(Memory(snapshot)))


def test_a_recording_has_no_history() -> None:
    with LocalHost(RecordedSource.open(OLD), LINUX, ROOT, lambda *_: 0) as host:
        for question in (host.history, lambda: host.at(datetime(2025, 1, 1, tzinfo=UTC))):
            with pytest.raises(NotSupportedError) as caught:
                question()
            assert str(caught.value) == f"no history found: {OLD} is a recording; query the machine itself"


def test_a_recording_of_an_older_logonscope_answers_as_its_machine_did() -> None:
    snapshot = example.snapshot()._replace(processes=(*example.PROCESSES, OLD_PROCESS), troubles=OLD_TROUBLES)
    snapshot = snapshot._replace(
        machine=snapshot.machine._replace(machine_id=None, container=None)
    )  # not yet asked for
    old, machine = RecordedSource.open(OLD), Memory(snapshot)
    machine.partial = OLD_TROUBLES[1].reason
    assert whole(old) == snapshot
    assert (old.partial, host_of(old).sees_everything) == (OLD_TROUBLES[1].reason, False)
    assert answers(host_of(old)) == answers(host_of(machine))


def test_the_example_host_keeps_the_accounts_that_its_answers_name(folder: Path, sound: bytes) -> None:
    source = load(folder, sound)
    assert {uid: source.account(Look(), uid) for uid in example.ACCOUNTS} == example.ACCOUNTS
    assert source.account(Look(), 4242) is None


@pytest.mark.parametrize(
    ("query", "pids"),
    [
        (ProcessQuery(), {process.pid for process in example.PROCESSES}),
        (ProcessQuery(pids=frozenset()), set()),
        (ProcessQuery(pids=frozenset({1, 4312, 9})), {1, 4312}),
        (ProcessQuery(logon_hint=LogonHint(frozenset({37}))), {3990, 3991}),
        (ProcessQuery(names=frozenset({"bash"})), {3901, 4151}),
        (ProcessQuery(names=frozenset({"bash"}), logon_hint=LogonHint(frozenset({41}))), {4151}),
    ],
)
def test_hints_narrow_the_processes(folder: Path, sound: bytes, query: ProcessQuery, pids: set[int]) -> None:
    assert {process.pid for process in load(folder, sound).processes(Look(), query)} == pids


def test_hints_narrow_logins_and_sockets(folder: Path, sound: bytes) -> None:
    source = load(folder, sound)
    assert list(source.logins(Look(), frozenset())) == []
    assert list(source.sockets(Look(), SocketQuery(ports=frozenset()))) == []
    assert [login.id for login in source.logins(Look(), frozenset({"c1", "x"}))] == ["c1"]
    assert tuple(source.sockets(Look(), SocketQuery(ports=frozenset({8080})))) == example.SOCKETS
    assert tuple(source.sockets(Look(), SocketQuery(ports=frozenset({80})))) == ()


# The file


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            save_recording(example.snapshot(), str(tmp_path / "new"), replace=True)
            assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
        save_recording(example.snapshot(), str(tmp_path / "other"), replace=False)
    finally:
        os.umask(before)
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("precious")
    with pytest.raises(InvalidParameterError, match="exists; give another name, or replace=True"):
        save_recording(example.snapshot(), str(path), replace=False)
    assert path.read_text() == "precious"
    save_recording(example.snapshot(), str(path), replace=True)
    assert whole(RecordedSource.open(str(path))).machine == example.snapshot().machine
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.parametrize("dangling", [False, True])
def test_without_force_a_link_is_not_written_through(tmp_path: Path, *, dangling: bool) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    if not dangling:
        target.write_text("precious")
    link.symlink_to(target)
    with pytest.raises(InvalidParameterError, match="exists"):
        save_recording(example.snapshot(), str(link), replace=False)
    assert link.is_symlink()
    assert dangling or target.read_text() == "precious"
    assert target.exists() != dangling


def test_with_force_a_link_of_ones_own_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    save_recording(example.snapshot(), str(link), replace=True)
    assert link.is_symlink()
    assert whole(RecordedSource.open(str(target))).machine == example.snapshot().machine


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant a link in somebody else's name")
def test_a_planted_link_is_never_written_through(tmp_path: Path) -> None:
    everybodys, target = tmp_path / "tmp", tmp_path / "target"
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    target.write_text("precious")
    link = everybodys / "web1.lsr"
    link.symlink_to(target)
    os.lchown(link, 65534, 65534)
    with pytest.raises(AccessDeniedError):
        save_recording(example.snapshot(), str(link), replace=True)
    assert target.read_text() == "precious"


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path, *, replace: bool) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (str(tmp_path), str(tmp_path / "fifo"), "/dev/null"):
        with pytest.raises(InvalidParameterError, match="it is not a regular file"):
            save_recording(example.snapshot(), path, replace=replace)


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "raced"

    def processes() -> Iterator[Process]:
        yield Process(1)
        path.write_text("precious")

    with pytest.raises(InvalidParameterError, match="exists"):
        save_recording(example.snapshot()._replace(processes=processes()), str(path), replace=False)
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["raced"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("out of luck")])
@pytest.mark.parametrize("replace", [False, True])
def test_a_recording_that_fails_leaves_nothing_behind(tmp_path: Path, error: Exception, *, replace: bool) -> None:
    def processes() -> Iterator[Process]:
        yield Process(1)
        raise error

    path = tmp_path / "failed"
    if replace:
        path.write_text("precious")
    with pytest.raises((LogonscopeError, RuntimeError)):
        save_recording(example.snapshot()._replace(processes=processes()), str(path), replace=replace)
    assert os.listdir(tmp_path) == (["failed"] if replace else [])
    assert not replace or path.read_text() == "precious"


def test_where_nothing_can_be_written_the_refusal_says_why(tmp_path: Path) -> None:
    with pytest.raises(AccessDeniedError, match=r"cannot use /sys/recording: .*; run it as root, or use another path"):
        save_recording(example.snapshot(), "/sys/recording", replace=False)
    with pytest.raises(InvalidParameterError, match=r"the directory .*/no/such does not exist"):
        save_recording(example.snapshot(), str(tmp_path / "no/such/folder"), replace=False)


def test_a_dash_is_standard_output(capsysbinary: pytest.CaptureFixture[bytes], folder: Path, sound: bytes) -> None:
    assert save_recording(example.snapshot(), "-", replace=False) == len(example.PROCESSES)
    out = capsysbinary.readouterr().out
    assert out == sound
    assert whole(load(folder, out)).machine == example.snapshot().machine
    assert not os.path.lexists("-")


# Files of other versions


def test_an_older_file_lacks_the_facts_of_its_time_alone(folder: Path, sound: bytes) -> None:
    rows = rows_of(sound)
    for kind, gone in (("process", "tty_nr"), ("process", "unread"), ("login", "inherited"), ("login", "vt")):
        at = rows[0][1]["fields"][kind].index(gone)
        del rows[0][1]["fields"][kind][at]
        for row in rows:
            if row[0] == kind:
                del row[at + 1]
    back = whole(load(folder, written([row for row in rows if row[0] != "login"])))
    assert back.processes == tuple(process._replace(tty_nr=None, unread=None) for process in example.PROCESSES)


def test_an_older_file_may_lack_a_whole_kind_of_row(folder: Path, sound: bytes) -> None:
    rows = [row for row in rows_of(sound) if row[0] not in {"trouble", "socket"}]
    for kind in ("trouble", "socket"):
        del rows[0][1]["fields"][kind]
    assert whole(load(folder, written(rows)))._replace(sockets=example.SOCKETS) == whole(load(folder, sound))


def test_facts_and_rows_of_a_newer_file_are_passed_over(folder: Path, sound: bytes) -> None:
    rows = rows_of(sound)
    rows[0][1]["fields"]["machine"].append("colour")
    rows[0][1]["fields"]["quark"] = ["spin"]
    rows[1].append("blue")
    rows[2:2] = [["quark", 0.5], ["lepton"]]
    assert whole(load(folder, written(rows))) == whole(load(folder, sound))


@pytest.mark.parametrize("version", [VERSION + 1, 99])
def test_a_file_of_a_newer_version_is_refused(folder: Path, sound: bytes, version: object) -> None:
    rows = rows_of(sound)
    rows[0][1]["version"] = version
    with pytest.raises(RecordingError, match="use a newer Logonscope"):
        load(folder, written(rows))


@pytest.mark.parametrize("version", [0, -1, True, "1", None, 1.0, [1]])
def test_a_file_without_a_valid_version_is_refused(folder: Path, sound: bytes, version: object) -> None:
    rows = rows_of(sound)
    rows[0][1]["version"] = version
    with pytest.raises(RecordingError, match="its header has no valid version"):
        load(folder, written(rows))


# Damage


def test_a_file_that_was_cut_short_is_refused(folder: Path, sound: bytes) -> None:
    for length in [*range(0, len(sound), 100), *range(len(sound) - 40, len(sound))]:
        with pytest.raises(RecordingError):
            load(folder, sound[:length])


def test_a_flipped_bit_is_refused_or_means_nothing(folder: Path, sound: bytes) -> None:
    sound_one, chance = whole(load(folder, sound)), random.Random(1)  # noqa: S311 -- to repeat it, not to keep a secret
    refused = 0
    for _ in range(600):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        try:
            assert whole(load(folder, bytes(damaged))) == sound_one
        except RecordingError:
            refused += 1
    assert refused > 500


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(folder: Path, content: bytes) -> None:
    for damaged in (content, b"\x1f\x8b" + content, gzip.compress(content)):
        with pytest.raises(RecordingError):
            load(folder, damaged)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(json_values, max_size=3))
def test_any_rows_are_refused(folder: Path, rows: list[Any]) -> None:
    with pytest.raises(RecordingError):
        load(folder, written(rows))


@given(st.dictionaries(st.sampled_from(["format", "version", "fields"]), json_values))
def test_any_header_but_ours_is_refused(folder: Path, header: dict[str, Any]) -> None:
    fields = {"fields": {kind: header.get("fields") for kind in ("machine", "login", "process", "socket", "account")}}
    for head in (header, {"format": FORMAT, "version": 1} | header, {"format": FORMAT, "version": 1} | fields):
        with pytest.raises(RecordingError):
            load(folder, written([["header", head], ["machine", 1], ["process", 2], ["end", 1]]))


@given(st.data())
@settings(max_examples=200)
def test_any_value_in_a_row_is_refused_or_harms_no_answer(folder: Path, sound: bytes, data: st.DataObject) -> None:
    rows = rows_of(sound)
    row = rows[data.draw(st.integers(1, len(rows) - 1))]
    row[data.draw(st.integers(0, len(row) - 1))] = data.draw(json_values)
    try:
        source = load(folder, written(rows))
    except RecordingError:
        return
    answers(host_of(source))


SPOILT: dict[str, Callable[[list[Any]], object]] = {
    "no end": lambda rows: rows.pop(),
    "a process lost": lambda rows: rows.remove(next(row for row in rows if row[0] == "process")),
    "no machine": lambda rows: rows.pop(1),
    "two machines": lambda rows: rows.insert(1, rows[1]),
    "more after the end": lambda rows: rows.append(["process", 7]),
    "two counts": lambda rows: rows[-1].append(1),
    "a value lost": lambda rows: rows[1].pop(),
    "two headers in one": lambda rows: rows[0].append(1),
    "backwards": lambda rows: rows.reverse(),
}


@pytest.mark.parametrize("how", SPOILT)
def test_rows_that_are_not_as_many_or_not_in_order_are_refused(folder: Path, sound: bytes, how: str) -> None:
    rows = rows_of(sound)
    SPOILT[how](rows)
    with pytest.raises(RecordingError):
        load(folder, written(rows))


def test_nested_json_is_refused(folder: Path) -> None:
    with pytest.raises(RecordingError):
        load(folder, gzip.compress(b"[" * 1_000_000 + b"]" * 1_000_000 + b"\n"))


@pytest.mark.parametrize(
    "place", ["/user.slice/user-9.slice/user@9.service", "/user.slice/user-9.slice/session-c9.scope"]
)
def test_names_and_numbers_of_any_length_harm_no_answer(folder: Path, sound: bytes, place: str) -> None:
    rows = rows_of(sound)
    at = rows[0][1]["fields"]["process"].index("cgroup") + 1
    for row in rows:
        if row[0] == "process":
            row[at] = place.replace("9", "9" * 5000)
    try:
        source = load(folder, written(rows))
    except RecordingError:
        return
    answers(host_of(source))


@pytest.mark.parametrize(
    ("codes", "is_valid"),
    [
        ([0xD800], False), ([0x61, 0xDBFF], False), ([0xDC7F], False), ([0xDD00], False), ([0xDC80, 0xD83D], False),
        ([0xDC80, 0xDCFF], True), ([0x1F600], True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_escaped", [True, False])
def test_lone_surrogates_are_bytes_or_refused(
    folder: Path, sound: bytes, codes: list[int], *, is_valid: bool, is_escaped: bool
) -> None:
    text, rows = "".join(map(chr, codes)), rows_of(sound)
    fields = rows[0][1]["fields"]
    for kind, column in [("process", "comm"), ("machine", "boot_id")]:
        row = next(row for row in rows if row[0] == kind)
        row[1 + fields[kind].index(column)] = text
    lines = [json.dumps(row, ensure_ascii=is_escaped) for row in rows]
    content = gzip.compress("\n".join([*lines, ""]).encode("utf-8", "surrogatepass"))
    if is_valid:
        host = host_of(load(folder, content))
        assert answers(host)
        assert any(process.CommandName for process in host.enumerate("LS_Process", namespace=r"root\logonscope"))
    else:
        with pytest.raises(RecordingError, match="is not Unicode text"):
            load(folder, content)


def test_standard_input_is_a_recording_too(folder: Path, sound: bytes) -> None:
    script = "import logonscope; print(len(logonscope.connect('-').sessions()))"
    asked = subprocess.run([sys.executable, "-c", script], input=sound, capture_output=True, check=True, timeout=60)
    assert int(asked.stdout) == len(host_of(load(folder, sound)).sessions())


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.lsr"
    piece = gzip.compress(b"a" * (1 << 20), 1)
    path.write_bytes(gzip.compress(b'["') + piece * (40 * MAX_LINE_LENGTH >> 20))
    script = f"""if True:
        import resource, logonscope
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        try:
            logonscope.connect({str(path)!r})
        except logonscope.RecordingError:
            print("refused")
    """
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (asked.stdout, asked.stderr) == ("refused\n", "")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="No such file"):
        RecordedSource.open(str(tmp_path / "missing"))
    with pytest.raises((RecordingError, InvalidParameterError)):
        RecordedSource.open(str(tmp_path))
    with pytest.raises(RecordingError, match="not a recording"):
        RecordedSource.open("/dev/null")


class Directory(Memory):
    """The example host, whose accounts are known by uid, and not listed."""

    def account(self, look: Look, uid: int) -> Account | None:
        del look
        stranger = Account("stranger", 5000, 5000, "", "/", "/bin/sh")
        return stranger if uid == stranger.uid else example.ACCOUNTS.get(uid)


def test_accounts_of_hidden_processes_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "x"
    host_of(Directory(example.snapshot()._replace(users=()))).record(str(path))
    assert b"stranger" not in gzip.decompress(path.read_bytes())
    assert whole(RecordedSource.open(str(path))).users == tuple(example.ACCOUNTS.values())
