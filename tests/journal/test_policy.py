"""Policy: spans, sizes, secrets and exclusions."""

import pytest

from logonscope.errors import InvalidParameterError
from logonscope.journal.policy import DAY_MS, Policy, Redactor, command_line_filter, parse_keep, parse_size, parse_span


def test_spans_and_sizes() -> None:
    assert parse_span("400 days") == 400 * DAY_MS
    assert parse_span("2 weeks") == 14 * DAY_MS
    assert (parse_size("2 GB"), parse_size("500MB")) == (2 << 30, 500 << 20)
    assert parse_keep({"system": "1 day"}) == (400 * DAY_MS, DAY_MS)
    for text in ("days", "-1 day", "1 fortnight"):
        with pytest.raises(ValueError, match=text):
            parse_span(text)


@pytest.mark.parametrize(("argv", "kept"), [
    (b"mysql\0--password=x y\0-e\0", b"mysql\0--password=[redacted]\0-e\0"),
    (b"tool\0--token\0abc\0z\0", b"tool\0--token\0[redacted]\0z\0"),
    (b"psql\0postgres://al:pw@db/x\0", b"psql\0postgres://[redacted]@db/x\0"),
    (b"ls\0-l\0", b"ls\0-l\0"),
])  # fmt: skip
def test_secrets_are_replaced(argv: bytes, kept: bytes) -> None:
    assert command_line_filter(Policy(command_lines="full"))(argv) == kept


def test_an_invalid_rule_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="invalid redaction rule"):
        Redactor(["("])


def test_exclusions() -> None:
    policy = Policy(excluded_users=frozenset({"backup"}), excluded_units=frozenset({"cron.service"}))
    assert policy.excludes
    assert policy.excludes_process("backup", None, None, None)
    assert policy.excludes_process("al", "/bin/x", "x", "/system.slice/cron.service/a")
    assert not policy.excludes_process("al", "/bin/x", "x", "/system.slice/ssh.service")
