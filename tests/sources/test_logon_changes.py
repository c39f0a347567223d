"""Tests of sources/logon_changes.py: when a logon session counts as begun, logged out and ended."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Login
from logonscope.machine import Owner
from logonscope.machine.events import LoggedOut, LogonEnded, LogonStarted
from logonscope.sources.logon_changes import LogonChange, LogonChanges

RECORDED = Owner("41", "audit", Login("1", 1000, recorded=True))
GONE = Owner("41", "audit", Login("1", 1000, recorded=True, gone=True))
UNRECORDED = Owner("42", "audit")


def session_of(owner: Owner) -> LogonSession:
    state = "logged out" if owner.login is not None and owner.login.gone else "active"
    return LogonSession(owner.logon_id or "", state=state)


def step(changes: LogonChanges, *owners: Owner) -> Sequence[LogonChange]:
    """Return what has happened now that these owners have processes."""
    by_id = {str(owner.logon_id): owner for owner in owners}
    return list(changes.changes(by_id, lambda logon_id: (session_of(by_id[logon_id]), by_id[logon_id])))


def test_a_recorded_login_begins_is_logged_out_once_and_ends() -> None:
    changes = LogonChanges({})
    seen = [step(changes, owner) for owner in (RECORDED, RECORDED, GONE, GONE)]
    seen.append(step(changes))
    assert [[change.event_type for change in changed] for changed in seen] == [
        [LogonStarted],
        [],
        [LoggedOut],
        [],
        [LogonEnded],
    ]
    assert [seen[2][0].owner, seen[4][0].session.state] == [GONE, "logged out"]


def test_what_exists_at_the_beginning_is_no_news() -> None:
    changes = LogonChanges({"41": (session_of(RECORDED), RECORDED)})
    assert step(changes, RECORDED) == []
    assert [change.event_type for change in step(changes)] == [LogonEnded]


def test_a_new_one_without_a_record_waits_for_it() -> None:
    patient, hasty = LogonChanges({}, 3600), LogonChanges({}, 0)
    assert step(patient, UNRECORDED) == []
    assert patient.due is not None
    assert [change.event_type for change in step(hasty, UNRECORDED)] == [LogonStarted]
    assert hasty.due is None
    # one that ends before is not reported at all
    assert step(patient) == []
    assert patient.due is None


OWNERS = st.sampled_from([RECORDED, GONE, UNRECORDED])


@given(st.lists(st.lists(OWNERS, max_size=2, unique_by=lambda owner: owner.logon_id)), st.sampled_from([0.0, 3600.0]))
def test_looking_at_what_was_touched_alone_changes_nothing(moments: list[list[Owner]], settle_seconds: float) -> None:
    whole, partly = LogonChanges({}, settle_seconds), LogonChanges({}, settle_seconds)
    before: dict[str, Owner] = {}
    for owners in moments:
        now = {str(owner.logon_id): owner for owner in owners}
        expected = step(whole, *owners)
        touched = {logon_id for logon_id in {*before, *now} if before.get(logon_id) != now.get(logon_id)}
        touched.update(partly.unreported)
        present = {logon_id: owner for logon_id, owner in now.items() if logon_id in touched}
        described = {logon_id: (session_of(owner), owner) for logon_id, owner in now.items()}
        seen = partly.changes(present, described.__getitem__, touched)
        assert sorted(seen, key=str) == sorted(expected, key=str)
        before = now
