"""Past processes: which of them failed."""

import pytest

from logonscope.answers.history import PastProcess


@pytest.mark.parametrize(
    ("exit_code", "signal", "failed"), [(0, None, False), (None, None, False), (3, None, True), (None, 9, True)]
)
def test_what_failed(exit_code: int | None, signal: int | None, failed: bool) -> None:
    values = dict.fromkeys(PastProcess._fields)
    process = PastProcess(**{**values, "exit_code": exit_code, "signal": signal})  # type: ignore[arg-type]  # a row of None
    assert process.is_failed is failed
