"""The settings of the history as a policy; and a service that writes what this machine does."""

import pytest

from logonscope.errors import InvalidParameterError
from logonscope.journal.policy import DAY_MS
from logonscope.journal.service import make_policy


def test_settings_are_a_policy() -> None:
    policy = make_policy(
        {"system": "3 days"}, "1 GB", "full", ["user:al", "unit:cron.service", "program:/bin/x"], ["key=.*"]
    )
    assert (policy.keep_system_ms, policy.max_bytes, policy.command_lines) == (3 * DAY_MS, 1 << 30, "full")
    assert policy.excludes_process("al", None, None, None)
    assert policy.excludes_process(None, "/bin/x", None, None)
    assert policy.redactions[-1] == "key=.*"


def test_invalid_settings_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="invalid span or size"):
        make_policy({}, "many", "name", [], [])
    with pytest.raises(InvalidParameterError, match="invalid exclusion"):
        make_policy({}, "1 GB", "name", ["bob"], [])
