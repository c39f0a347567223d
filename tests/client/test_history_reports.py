"""client/history_reports.py: failed logons and changes of user by the filters of the history."""

from collections.abc import Iterator

import pytest

from logonscope import Host
from logonscope.answers.history import HistoryFilter
from logonscope.broker.record_keys import number_key
from logonscope.client import LocalHost
from logonscope.client.history_reports import read_boots, read_failed_logons, read_user_changes
from logonscope.ownership import LINUX
from tests.broker.past import keep
from tests.broker.test_history import ROOT, Present
from tests.journal.test_process_rows import moment


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    kept = keep(tmp_path_factory.mktemp("reports"))
    source = Present({uid: f"user{uid}" for uid in range(1000, 1007)})
    source.history = kept.history()
    yield LocalHost(source, LINUX, ROOT, lambda *_: 0)
    kept.keeper.stop()


@pytest.mark.parametrize(("where", "users"), [
    (HistoryFilter(), ["user1001", "hunter2"]), (HistoryFilter("hunter2"), ["hunter2"]),
    (HistoryFilter("user:user1001"), ["user1001"]), (HistoryFilter("pid:7"), []), (HistoryFilter("7"), []),
    (HistoryFilter(origins=frozenset({"198.51.100.0/24"})), ["user1001", "hunter2"]),
    (HistoryFilter(origins=frozenset({"198.51.100.8"})), []), (HistoryFilter(keys=frozenset({"SHA256:x"})), []),
    (HistoryFilter(until=moment(0)), []), (HistoryFilter(since=moment(0)), ["user1001", "hunter2"]),
])  # fmt: skip
def test_failed_logons(host: Host, where: HistoryFilter, users: list[str]) -> None:
    assert [attempt.user for attempt in read_failed_logons(host, where)] == users


def test_each_boot_has_a_row(host: Host) -> None:
    (boot,) = read_boots(host, HistoryFilter())
    assert (boot.start, boot.end, boot.boot_id) == (moment(0), None, "boot-1")
    assert list(read_boots(host, HistoryFilter(since=moment(5), until=moment(10)))) == [boot]


@pytest.mark.parametrize("where", [
    HistoryFilter("user1001"), HistoryFilter(failed=True), HistoryFilter(keys=frozenset({"SHA256:x"})),
    HistoryFilter(origins=frozenset({"192.0.2.7"})), HistoryFilter(until=moment(-5000)),
])  # fmt: skip
def test_a_filter_of_logins_selects_no_boot(host: Host, where: HistoryFilter) -> None:
    assert list(read_boots(host, where)) == []


def test_changes_of_user(host: Host) -> None:
    login = next(login for login in host.history() if login.user == "user1003")
    changes = list(read_user_changes(host, [login.record]))
    assert {(change.logon_record, change.from_user, change.to_user) for change in changes} == {
        (login.record, "user1003", "root")
    }
    assert len(list(read_user_changes(host, map(number_key, range(1, 400))))) > len(changes)
    assert list(read_user_changes(host, [])) == []
