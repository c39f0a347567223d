"""Tests of sources/linux/unit_requests.py: the entries that prove who asked for a start, and those that do not.

The entries have the fields that journald of Debian 12 (systemd 252) and 13 (257) wrote for sudo and for process 1. The
journal itself: tests/real/test_services.py.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import UNSET, UnitRequest
from logonscope.machine import Look
from logonscope.sources.linux.unit_requests import find_requests
from tests.hosts import HostFolder

STARTED = "39f53479d3a045ac8e11786248231fbf"
SCOPE = "/user.slice/user-1003.slice/session-841551.scope"
Entry = dict[str, Any]


def sudo(moment: int, message: str, command: str = "sudo systemctl start lab-x", **changes: str) -> Entry:
    return {
        "_PID": "113", "_UID": "1003", "_GID": "0", "_COMM": "sudo", "_EXE": "/usr/bin/sudo", "_CMDLINE": command,
        "_AUDIT_SESSION": "841551", "_AUDIT_LOGINUID": "1003", "_SYSTEMD_CGROUP": SCOPE,
        "_SOURCE_REALTIME_TIMESTAMP": str(moment), "MESSAGE": f"pam_unix(sudo:session): session {message}",
    } | changes  # fmt: skip


def opened(moment: int, command: str = "sudo systemctl start lab-x", **changes: str) -> Entry:
    return sudo(moment, "opened for user root(uid=0) by (uid=1003)", command, **changes)


def closed(moment: int, **changes: str) -> Entry:
    return sudo(moment, "closed for user root", **changes)


def started(moment: int, unit: str = "lab-x.service", **changes: str) -> Entry:
    return {
        "_PID": "1", "_UID": "0", "_GID": "0", "_EXE": "/usr/lib/systemd/systemd", "UNIT": unit, "MESSAGE_ID": STARTED,
        "_SOURCE_REALTIME_TIMESTAMP": str(moment), "MESSAGE": f"Started {unit}.",
    } | changes  # fmt: skip


def found(*entries: Entry) -> list[UnitRequest]:
    """Return the requests in entries, which stand here in the order of time; the journal is read backwards."""
    return list(find_requests(reversed(entries)))


def test_a_start_within_the_command_that_requests_it() -> None:
    (request,) = found(opened(10), started(20), closed(30))
    assert request == UnitRequest(
        "lab-x.service", 20, 10, 113, 841551, 1003, SCOPE, "sudo systemctl start lab-x", "journal, sudo"
    )
    assert request.requester.ses == 841551
    # in a container there is no kernel id
    without = opened(10)
    del without["_AUDIT_SESSION"], without["_AUDIT_LOGINUID"]
    (request,) = found(without, started(20), closed(30))
    assert (request.ses, request.loginuid) == (UNSET, UNSET)


def test_of_several_starts_the_last_one_counts() -> None:
    again = opened(50, _PID="114", _AUDIT_SESSION="7"), started(60), closed(70, _PID="114")
    assert [row.ses for row in found(opened(10), started(20), closed(30), *again)] == [7]
    # a restart by the manager itself
    assert found(opened(10), started(20), closed(30), started(40)) == []


def test_entries_that_prove_nothing() -> None:
    proofs: Sequence[Sequence[Entry]] = (
        (opened(10), started(40), closed(30)),  # after the command
        (opened(10), started(20)),  # the command has no end: what it may still do is not known
        (opened(10, "sudo systemctl start other"), started(20), closed(30)),
        (opened(10), started(20, "other.service"), closed(30)),
        # a user's own line: journald takes the gid from the kernel, and the program is read later
        (opened(10, _GID="1003"), started(20), closed(30)),
        (opened(10, _EXE="/tmp/false"), started(20), closed(30)),  # noqa: S108 -- any path
        (opened(10), started(20, _PID="200"), closed(30)),
        (opened(10), started(20, _UID="1003"), closed(30)),
        (sudo(10, "opened for user postgres(uid=110) by (uid=1003)"), started(20), closed(30)),
        # two commands at the same moment
        (opened(10), opened(11, _PID="114"), started(20), closed(30), closed(30, _PID="114")),
        # the text of a command is no line of PAM
        (sudo(10, "", MESSAGE="alice : COMMAND=pam_unix(sudo:session): session opened for user root by "),
         started(20), closed(30)),
    )  # fmt: skip
    for entries in proofs:
        assert found(*entries) == [], entries


def test_fields_that_are_no_text() -> None:
    values: tuple[Any, ...] = (None, [1, 2], ["a", "b"], "", "-1", "9" * 30, {})
    for name in opened(10):
        for value in values:
            assert len(found(opened(10) | {name: value}, started(20), closed(30))) <= 1


@given(st.lists(st.dictionaries(st.sampled_from(sorted(opened(1))), st.text(max_size=9) | st.none()), max_size=4))
def test_no_entry_makes_it_fail(entries: list[Entry]) -> None:
    assert all(request.unit for request in find_requests(entries))


def test_without_a_journal_nothing_is_known(host: HostFolder) -> None:
    assert list(host.source.unit_requests(Look())) == []
    host.write("var/log/journal/3d1219c7c4c5404aaa1f6d2a48adfda4/system.journal", "no journal")
    assert list(host.source.unit_requests(Look())) == []
