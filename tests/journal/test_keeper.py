"""The keeper: what it does with what it cannot write, and what it remembers."""

from pathlib import Path

from logonscope.journal import keeper as module
from tests.journal.kept import Kept, count


def test_a_batch_that_is_not_accepted_is_a_loss_and_it_goes_on(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(50)
    number = kept.keeper.recorder.next_seq
    taken = [(number + offset,) for offset in range(6)]
    kept.database.executemany("INSERT INTO recent(id, place, pid, ticks) VALUES (?, 1, 1, 1)", taken)
    kept.live(50)
    kept.live(50)
    reasons = [reason for (reason,) in kept.database.execute("SELECT reason FROM loss")]
    assert any("not accepted" in reason for reason in reasons)
    assert count(kept.database, "recent") > 50
    kept.keeper.stop()


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    event = next(kept.story.events(1))
    for _ in range(module.MAX_QUEUED + 5):
        kept.keeper.put(event)
    state = kept.keeper.state
    assert (state.queued, state.lost_events) == (module.MAX_QUEUED, 5)


def test_logins_are_remembered(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.feed([kept.story.end_logon(3)])
    kept.keeper.stop()
    kept.reopen()
    logins = {login.id: login.remembered for login in kept.keeper.remembered_logins()}
    assert logins == {str(number): number for number in range(1, 13) if number != 3}
    kept.keeper.stop()
