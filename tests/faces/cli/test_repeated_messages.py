"""faces/cli/repeated_messages.py: the first message at once, then one with the count."""

import pytest

from logonscope.faces.cli.repeated_messages import RepeatedMessages


def test_the_first_is_written_at_once_and_the_others_are_counted() -> None:
    lines: list[str] = []
    messages = RepeatedMessages(lines.append, 1000.0)
    messages.add("command", "failed", detail="exit status 1")
    assert lines == ["1 command failed: exit status 1"]
    for number in range(2, 5):
        messages.add("command", "failed", detail=f"exit status {number}")
        messages.write_due()
    messages.add("event", "dropped", 20)
    assert lines[1:] == ["20 events dropped"]
    messages.finish()
    messages.finish()
    assert lines[2:] == ["3 commands failed, last: exit status 4"]


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_due_is_written(count: int) -> None:
    lines: list[str] = []
    messages = RepeatedMessages(lines.append, 0.0)
    messages.add("event", "lost", count)
    messages.add("event", "lost", count)
    messages.write_due()
    assert lines == [f"{count} event{'s' if count > 1 else ''} lost"] * 2
