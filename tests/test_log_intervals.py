"""log_intervals.py: the first time at once, then at most once a minute for each subject."""

from logonscope.log_intervals import REPORT_INTERVAL, LogIntervals


def test_each_subject_is_due_once_in_an_interval() -> None:
    now = [0.0]
    intervals = LogIntervals(lambda: now[0])
    assert [intervals.is_due(subject) for subject in ("a", "a", "b", "a", "b")] == [True, False, True, False, False]
    now[0] += REPORT_INTERVAL - 1
    assert not intervals.is_due("a")
    now[0] += 1
    assert [intervals.is_due(subject) for subject in ("a", "a", "b", "c")] == [True, False, True, True]
