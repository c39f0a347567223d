"""Tests of server/auth/token_file.py: tokens are found by their hash, expire, and are removed at once."""

import os
import resource
from pathlib import Path

import pytest

from logonscope import AccessDeniedError, InvalidParameterError, NotFoundError
from logonscope.broker import Caller
from logonscope.server.auth.token_file import ACT, READ, Token, TokenFile

HOUR = 3600


class Clock:
    """A clock that a test sets."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> TokenFile:
    return TokenFile(str(tmp_path / "tokens"), clock=clock)


def add(file: TokenFile, name: str = "job", scope: str = READ) -> tuple[Token, str]:
    return file.add(name, uid=1000, administrator=False, scope=scope, seconds=HOUR)


def test_a_token_is_the_caller_until_it_expires(file: TokenFile, clock: Clock) -> None:
    token, text = add(file)
    assert text.startswith("lgs_")
    assert len(text) > 40
    assert file.find_caller(text) == Caller("token job", 1000, administrator=False, read_only=True)
    clock.now += HOUR
    assert file.find_caller(text) is None
    assert file.tokens() == [token]


def test_the_file_has_no_token_and_is_private(file: TokenFile) -> None:
    _, text = add(file)
    content = Path(file.path).read_text(encoding="ascii")
    assert text not in content
    assert text[4:20] not in content
    assert Path(file.path).stat().st_mode & 0o777 == 0o600


def test_a_removed_token_is_rejected_at_once_by_a_running_server(file: TokenFile, clock: Clock) -> None:
    server = TokenFile(file.path, clock=clock)
    (_, kept), (_, removed) = add(file, "kept"), add(file, "removed", ACT)
    assert server.find_caller(removed) is not None
    file.remove("removed")
    assert server.find_caller(removed) is None
    caller = server.find_caller(kept)
    assert caller is not None
    assert caller.read_only


@pytest.mark.parametrize("text", ["", "lgs_", "lgs_" + "x" * 43, "x", "lgs_\udcff"])
def test_what_is_no_token(file: TokenFile, text: str) -> None:
    add(file)
    assert file.find_caller(text.encode("utf-8", "replace").decode()) is None


def test_a_file_that_is_open_to_others_or_damaged_revokes_all(file: TokenFile) -> None:
    _, text = add(file)
    reports = list[object]()
    server = TokenFile(file.path, reports.append, Clock())
    assert server.find_caller(text) is not None
    Path(file.path).chmod(0o644)
    assert server.find_caller(text) is None
    Path(file.path).chmod(0o600)
    Path(file.path).write_text("job:1000:root:read:9:zz\n", encoding="ascii")
    assert server.find_caller(text) is None
    assert [type(report) for report in reports] == [AccessDeniedError, InvalidParameterError]
    Path(file.path).write_text(f"job::user:read:9:*:{'0' * 64}\n", encoding="ascii")
    assert server.find_caller(text) is None
    assert "line 1: a token needs a uid above 0" in str(reports[-1])


def test_a_line_with_a_longer_lifetime_than_the_maximum_gives_no_access(file: TokenFile, clock: Clock) -> None:
    token, text = file.add("job", uid=1000, administrator=False, scope=READ, seconds=366 * 86_400)
    reports = list[object]()
    server = TokenFile(file.path, reports.append, clock)
    clock.now -= HOUR  # the clock of another host can be behind
    assert server.find_caller(text) is not None
    line = Path(file.path).read_text(encoding="ascii")
    Path(file.path).write_text(line.replace(str(token.expiry), str(token.expiry + 3 * 86_400)), encoding="ascii")
    assert server.find_caller(text) is None
    assert server.find_caller(text) is None
    (report,) = reports
    assert f"{file.path}: token 'job' is rejected: it would be valid for more than 366 days;" in str(report)


def test_an_expiry_after_the_last_year_of_the_calendar_is_invalid(file: TokenFile) -> None:
    for expiry in (99_999_999_999, 100_000_000_000, 999_999_999_999, 10**20 - 1):
        Path(file.path).write_text(f"job:1000:user:read:{expiry}:*:{'0' * 64}\n", encoding="ascii")
        Path(file.path).chmod(0o600)
        if expiry < 10**11:
            assert [token.expires.year for token in file.tokens()] == [5138]
        else:
            with pytest.raises(InvalidParameterError, match="line 1: invalid expiry: expected seconds since 1970"):
                file.tokens()


def test_an_error_that_passes_revokes_no_token_for_good(file: TokenFile) -> None:
    _, text = add(file)
    reports = list[object]()
    server = TokenFile(file.path, reports.append, Clock())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(next_descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_descriptor, hard))
    try:
        assert server.find_caller(text) is None
        assert server.find_caller(text) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(reports) == 1
    assert server.find_caller(text) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a:b"}, {"name": ""}, {"name": "\x1b"}, {"name": "x" * 65}, {"uid": None}, {"uid": 0}, {"uid": -1},
        {"uid": 1 << 32}, {"hosts": ()}, {"hosts": ("",)}, {"hosts": ("a:b",)}, {"hosts": ("a,b",)},
        {"hosts": ("*",) * 101}, {"seconds": 0}, {"seconds": 400 * 86_400}, {"seconds": float("nan")},
    ],
)  # fmt: skip
def test_what_cannot_be_added(file: TokenFile, changes: dict[str, object]) -> None:
    valid: dict[str, object] = {"name": "job", "uid": 1000, "administrator": False, "scope": READ, "seconds": HOUR}
    with pytest.raises(InvalidParameterError):
        file.add(**(valid | changes))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("host", "is_valid"),
    [("web1", True), ("web1.example.org", True), ("WEB2", True), ("db1", False), ("db1.web1", False), ("xweb1", False)],
)
def test_a_token_is_valid_on_its_hosts(tmp_path: Path, clock: Clock, host: str, is_valid: bool) -> None:
    file = TokenFile(str(tmp_path / "tokens"), clock=clock, host=host)
    hosts = ("web*", "mail")
    _, text = file.add("job", uid=1000, administrator=False, scope=READ, seconds=HOUR, hosts=hosts)
    assert file.tokens()[0].hosts == hosts
    assert (file.find_caller(text) is not None) == is_valid


def test_names_are_given_once(file: TokenFile) -> None:
    add(file)
    with pytest.raises(InvalidParameterError, match="has a token 'job'"):
        add(file)
    with pytest.raises(NotFoundError):
        file.remove("other")
