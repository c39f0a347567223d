"""The live source on this machine's kernel: hostile logins, each with a history that its own processes wrote."""

from pathlib import Path

import pytest

from tests.sources.live.history import Listener, build_program, compare, live_source, run_logins, settle


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the program of logins."""
    folder: Path = tmp_path_factory.mktemp("logins")
    return build_program(folder)


@pytest.mark.parametrize(
    "arguments",
    [("logins", 60, 300, 3, "exit"), ("logins", 60, 0, 3, "exit"), ("logins", 40, 300, 3, "exec"), ("tricks", 30)],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_every_process_of_a_login_has_its_own_logon_or_none(program: str, arguments: tuple[object, ...]) -> None:
    with live_source() as source:
        listener = Listener(source)
        history = run_logins(program, *arguments)
        settle(listener)
        result = compare(history, listener.events)
    assert result.wrong == []
    assert result.missing == 0
    assert result.right + result.unknown == len(history)
