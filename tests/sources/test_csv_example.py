"""The example of docs/adding-a-source.md: what is expected was worked out from processes.csv by hand."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import logonscope
from docs.examples.csv_source import CsvSource

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "processes.csv"
HEADER = "pid,ppid,name,ses,loginuid,uid,start,cgroup,args\n"


@pytest.fixture
def host() -> logonscope.Host:
    return logonscope.connect(CsvSource(SAMPLE))


def of(path: Path, text: str) -> logonscope.Host:
    file = path / "some.csv"
    file.write_text(text, encoding="utf-8")
    return logonscope.connect(CsvSource(file))


def test_logon_sessions_are_identified_by_kernel_ids(host: logonscope.Host) -> None:
    assert [(session.logon_id, session.uid, session.processes, session.start) for session in host.sessions()] == [
        ("4294967295", None, 3, datetime(2026, 1, 1, 8, 0, tzinfo=UTC)),  # 1767254400
        ("41", 1000, 5, datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),  # 7,320 seconds later
        ("42", 1001, 2, datetime(2026, 1, 1, 10, 40, tzinfo=UTC)),  # 9,600 seconds later
    ]


def test_a_login_has_only_the_values_of_the_file(host: logonscope.Host) -> None:
    (session,) = host.sessions("41")
    assert (session.logon_type, session.state, session.remote_host, session.leader) == (None, None, None, None)


def test_processes_have_the_values_of_their_cells(host: logonscope.Host) -> None:
    (rsync,) = [process for process in host.processes() if process.pid == 5210]
    assert (rsync.ppid, rsync.name, rsync.logon_id, rsync.login_uid, rsync.uid) == (5200, "rsync", "42", 1001, 1001)
    assert rsync.start == datetime(2026, 1, 1, 10, 40, 1, tzinfo=UTC)
    assert rsync.command_line == "rsync --server --exclude=tmp,cache . /srv"
    assert rsync.executable is None


def test_whose_goes_up_to_the_login(host: logonscope.Host) -> None:
    (answer,) = host.whose(4312)
    assert (answer.logon_id, answer.evidence, answer.session.uid, answer.process.uid) == ("41", "audit", 1000, 0)
    assert [process.pid for process in answer.chain] == [4100, 4150, 4151, 4300, 4312]


def test_whose_knows_names(host: logonscope.Host) -> None:
    assert [(answer.pid, answer.logon_id) for answer in host.whose("rsync")] == [(5210, "42")]


@pytest.mark.parametrize("pid", [1, 2, 700])
def test_what_no_login_started_is_in_the_system_session(host: logonscope.Host, pid: int) -> None:
    owned = host.session_of(pid)
    assert (owned.session.logon_id, owned.session.logon_type, owned.evidence) == ("4294967295", 0, "none")


def test_the_tree_holds_every_process_once(host: logonscope.Host) -> None:
    trees = [(tree.session, [process.pid for process in tree.processes]) for tree in host.tree()]
    assert [(session and session.logon_id, pids) for session, pids in trees] == [
        ("4294967295", [1, 2, 700]),
        ("41", [4100, 4150, 4151, 4300, 4312]),
        ("42", [5200, 5210]),
    ]


def test_wql(host: logonscope.Host) -> None:
    text = "SELECT Handle, CommandLine FROM Win32_Process WHERE Name = 'sshd' AND ProcessId > 4100"
    rows = [row for row in host.query(text) if isinstance(row, logonscope.Instance)]
    assert [(row.Handle, row.CommandLine) for row in rows] == [
        ("4150", "sshd: alice@pts/0"),
        ("5200", "sshd: bob [priv]"),
    ]
    (session,) = host.associators("Win32_Process=5210", result_class="Win32_LogonSession")
    assert session.LogonId == "42"


def test_the_host_is_named_by_the_file_or_by_the_caller(host: logonscope.Host) -> None:
    (computer,) = host.enumerate("Win32_ComputerSystem")
    assert computer.Name == "processes"
    (computer,) = logonscope.connect(CsvSource(str(SAMPLE), host="web1")).enumerate("Win32_ComputerSystem")
    assert computer.Name == "web1"


def test_columns_may_have_any_order_and_others_between_them(tmp_path: Path) -> None:
    header = "args,cgroup,start,uid,loginuid,ses,name,ppid,pid,cpu\n"
    host = of(tmp_path, f"\ufeff{header}a  b,/,60,5,6,7,a,1,9,0.3\n")
    (process,) = host.processes()
    assert (process.pid, process.ppid, process.logon_id, process.login_uid, process.uid) == (9, 1, "7", 6, 5)
    assert (process.start, process.command_line) == (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), "a  b")


def test_an_empty_cell_is_not_known(tmp_path: Path) -> None:
    (process,) = of(tmp_path, f"{HEADER}9,,,7,,,,,\n").processes()
    assert (process.logon_id, process.evidence) == ("7", "audit")
    assert (process.ppid, process.name, process.uid, process.start, process.command_line) == (None,) * 5
    assert process.unread["uids"] == "its cell is empty"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"is empty; name the columns in its first line: {HEADER.strip()}"),
        (HEADER.replace("ses,", ""), f"has no column ses; name the columns in its first line: {HEADER.strip()}"),
        (HEADER, "has no process after its first line; export it again"),
        (
            f"{HEADER}init,0,init,4294967295,,0,5,/,\n",
            "line 2: invalid pid 'init': expected a number from 0 to 4294967295; leave an unknown cell empty",
        ),
        (f"{HEADER}1,0,init,-1,,0,5,/,\n", "line 2: invalid ses '-1': expected a number from 0 to 4294967295"),
        (
            f"{HEADER}1,0,init,4294967296,,0,5,/,\n",
            "line 2: invalid ses '4294967296': expected a number from 0 to 4294967295",
        ),
        (f"{HEADER}1,0,init,1,,0,{'9' * 5000},/,\n", "line 2: invalid start '9999"),
        (f"{HEADER},0,init,4294967295,,0,5,/,\n", "line 2: pid is empty; give every process its pid"),
        (f"{HEADER}1,0,init,,,0,5,/,\n", "line 2: ses is empty; give every process its ses"),
        (f"{HEADER}1,0,init,1,,0,5,/,\n1,0,init,1,,0,5,/,\n", "line 3: duplicate pid 1; export one moment only"),
        (f"{HEADER}1,0,init\n", "line 2 has more or fewer cells than the first line; put a cell with a comma in"),
        (f"{HEADER}1,0,init,1,,0,5,/,init a,b\n", "line 2 has more or fewer cells than the first line"),
        (f'{HEADER}1,0,"init\n', "is not a CSV file: unexpected end of data; export it again"),
    ],
)
def test_what_is_no_such_file_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(logonscope.RecordingError, match=f"some.csv.*{re.escape(message)}"):
        of(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(logonscope.InvalidParameterError, match=r"cannot read .*none\.csv: No such file"):
        CsvSource(tmp_path / "none.csv")
