"""Tests of server/auth/user_file.py: users of the file, and changes to it while it is in use."""

import multiprocessing
import os
import unicodedata
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError, NotFoundError
from logonscope.server.auth.user_file import HASHER, MAX_PASSWORD_LENGTH, UNKNOWN_USER_HASH, UserFile

PASSWORD = "correct horse battery staple"  # noqa: S105 -- a test's
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Watched(PasswordHasher):
    """A real hasher that tells which hashes were verified."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.verified.append(str(hash))
        return bool(super().verify(hash, password))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users"


@pytest.fixture
def file(path: Path) -> UserFile:
    return UserFile(path, hasher=CHEAP)


def test_a_user_authenticates_with_its_password_in_any_case_of_its_name(path: Path) -> None:
    file = UserFile(path)  # the one test at full cost
    file.add("Alice", PASSWORD, uid=1000)
    assert file.verify("aLICE", PASSWORD) == Caller("Alice", 1000, administrator=False)
    assert file.verify("alice", PASSWORD.upper()) is None
    assert extract_parameters(path.read_text().split(":")[3]) == extract_parameters(UNKNOWN_USER_HASH)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_parameters_are_those_that_owasp_requests_at_least() -> None:
    assert (HASHER.memory_cost, HASHER.time_cost, HASHER.parallelism) == (19 * 1024, 2, 1)
    assert not HASHER.check_needs_rehash(UNKNOWN_USER_HASH)


def test_an_unknown_user_takes_as_long_as_a_wrong_password(path: Path) -> None:
    hasher = Watched()
    file = UserFile(path, hasher=hasher)
    file.add("alice", PASSWORD, uid=1000)
    assert file.verify("alice", "another password") is None
    assert file.verify("nobody", "another password") is None
    assert hasher.verified == [file.users()[0].password_hash, UNKNOWN_USER_HASH]


@pytest.mark.parametrize("password", ["", "\ud800 is no character", "x" * (MAX_PASSWORD_LENGTH + 1)])
def test_an_impossible_password_is_not_hashed(path: Path, password: str) -> None:
    hasher = Watched()
    file = UserFile(path, hasher=hasher)
    file.add("alice", PASSWORD, uid=1000)
    assert file.verify("alice", password) is file.verify("nobody", password) is None
    assert hasher.verified == []


@pytest.mark.parametrize("password", ["short", "\ud800 is no character", "x" * (MAX_PASSWORD_LENGTH + 1)])
def test_a_password_that_cannot_be_is_refused(file: UserFile, password: str) -> None:
    with pytest.raises(InvalidParameterError, match="the password must have 8 to 512 characters"):
        file.add("alice", password, uid=1000)


@pytest.mark.parametrize(
    "password", ["пароль пароль", "密码密码密码密码", "tab\tand\0nul and \n", " spaces around ", "🔑" * 512]
)
def test_any_text_can_be_a_password(file: UserFile, password: str) -> None:
    file.add("alice", password, uid=1000)
    assert file.verify("alice", password) is not None
    assert file.verify("alice", password.strip() + "x") is None


def test_a_password_is_the_same_however_its_accents_are_written(file: UserFile) -> None:
    file.add("alice", "Übergröße", uid=1000)
    assert file.verify("alice", unicodedata.normalize("NFD", "Übergröße")) is not None


def test_ntlm_is_for_those_who_were_given_it(file: UserFile) -> None:
    file.add("alice", PASSWORD, uid=1000)
    file.add("Scanner", "Password", administrator=True, ntlm=True)
    assert file.lookup("alice") is None
    assert file.lookup("nobody") is None
    nt_hash = bytes.fromhex("a4f49c406510bdcab6824ee7c30fd852")  # MS-NLMP 4.2.2.1.2, of "Password"
    assert file.lookup("SCANNER") == (Caller("Scanner", None, administrator=True), nt_hash)


def test_there_are_no_users_where_there_is_no_file(file: UserFile, path: Path) -> None:
    assert file.users() == ()
    assert file.verify("alice", PASSWORD) is None
    with pytest.raises(NotFoundError, match=r"has no user 'alice'"):
        file.remove("alice")
    assert not path.exists()


def test_users_that_cannot_be_are_refused(file: UserFile, path: Path) -> None:
    for name, uid in (
        ("a:b", 1),
        ("", 1),
        ("a\nb", 1),
        ("alice", None),
        ("alice", 0),
        ("alice", -1),
        ("alice", 1 << 32),
    ):
        with pytest.raises(InvalidParameterError):
            file.add(name, PASSWORD, uid=uid)
    assert not path.exists()
    file.add("alice", PASSWORD, uid=1000)
    with pytest.raises(InvalidParameterError, match="already has a user 'ALICE'; remove that user first"):
        file.add("ALICE", PASSWORD, uid=1000)


def test_a_rewrite_keeps_what_it_does_not_know(file: UserFile, path: Path) -> None:
    kept = "# ours\n\nbob:1:auditor:secret:\n  \neve:2:user:!::2027-01-01\n"
    path.touch(0o600)
    path.write_text(kept.removesuffix("\n"))
    file.add("alice", PASSWORD, uid=1000)
    assert path.read_text().startswith(f"{kept}alice:1000:user:$argon2id$")
    assert [user.name for user in file.users()] == ["alice"]
    with pytest.raises(InvalidParameterError, match="already has a user 'Bob'"):
        file.add("Bob", PASSWORD, uid=1000)
    file.remove("alice")
    assert path.read_text() == kept
    file.remove("Eve")
    assert "eve" not in path.read_text()


def test_a_line_that_gives_no_access_locks_its_name(file: UserFile, path: Path) -> None:
    file.add("alice", PASSWORD, uid=1000)
    with path.open("a") as lines:
        lines.write("Bob:1:auditor:secret:\n#carol:1:user:!:\n")
    assert [name for name in ("bob", "BOB", "alice", "carol", "eve") if file.is_locked(name)] == ["bob", "BOB"]
    file.remove("bob")
    assert not file.is_locked("bob")


def test_a_change_is_seen_at_once_and_changes_the_version(file: UserFile, path: Path) -> None:
    file.add("alice", PASSWORD, uid=1000)
    other = UserFile(path, hasher=CHEAP)
    before = file.version
    assert file.version == before
    other.add("bob", PASSWORD, uid=1001)
    assert file.version != before
    assert file.verify("bob", PASSWORD) is not None
    between = file.version
    other.remove("alice")
    assert file.verify("alice", PASSWORD) is None
    assert file.version not in {before, between}
    path.unlink()
    assert file.users() == ()


def test_a_rewrite_that_broke_the_file_is_reported_once_and_the_last_good_one_holds(path: Path) -> None:
    reported: list[LogonscopeError] = []
    file = UserFile(path, reported.append, CHEAP)
    file.add("alice", PASSWORD, uid=1000)
    good, version = path.read_text(), file.version
    path.write_text(f"{good}bob:what?\n")
    for _ in range(3):
        assert file.verify("alice", PASSWORD) is not None
    assert [str(error).split("users, ")[1] for error in reported] == [
        "line 2: invalid line: expected name:uid:role:password:NT hash; correct the line or remove it"
    ]
    path.chmod(0o644)
    assert file.find("alice") is not None
    assert isinstance(reported[1], AccessDeniedError)
    with pytest.raises(AccessDeniedError):
        file.remove("alice")
    assert (file.version, len(reported)) == (version, 2)
    path.chmod(0o600)
    path.write_text("# nobody any more\n")
    assert file.verify("alice", PASSWORD) is None
    assert file.version != version


def test_a_file_that_was_never_good_is_refused(file: UserFile, path: Path) -> None:
    path.touch(0o600)
    path.write_text("what?\n")
    for ask in (file.users, lambda: file.find("alice"), lambda: file.verify("alice", PASSWORD), lambda: file.version):
        with pytest.raises(InvalidParameterError, match="line 1"):
            ask()
    path.write_text("")
    assert file.users() == ()


def test_a_hash_of_less_work_is_renewed_when_the_password_is_there(path: Path) -> None:
    UserFile(path, hasher=CHEAP).add("alice", PASSWORD, uid=1000, ntlm=True)
    file = UserFile(path, hasher=PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    (before,) = file.users()
    assert file.verify("alice", "another password") is None
    assert file.users() == (before,)
    assert file.verify("alice", PASSWORD) is not None
    (after,) = file.users()
    assert (after.name, after.uid, after.nt_hash) == (before.name, before.uid, before.nt_hash)
    assert extract_parameters(after.password_hash).memory_cost == 16
    assert UserFile(path, hasher=CHEAP).verify("alice", PASSWORD) is not None  # more work stays more
    assert UserFile(path).users() == (after,)


def test_a_hash_of_another_kind_matches_no_password(file: UserFile, path: Path) -> None:
    path.touch(0o600)
    path.write_text(
        "alice:1000:user:$argon2id$v=19$m=8,t=1,p=1$A$A:\nbob:1000:user:$argon2id$v=19$m=0,t=0,p=0$AAAA$AAAA:\n"
    )
    assert len(file.users()) == 2
    assert file.verify("alice", PASSWORD) is file.verify("bob", PASSWORD) is None


def test_writers_in_many_processes_lose_no_user(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=add_and_remove, args=(str(path), number)) for number in range(4)]
    for writer in writers:
        writer.start()
    file = UserFile(path, hasher=CHEAP)
    while any(writer.is_alive() for writer in writers):
        file.users()  # never half a file
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert sorted(user.name for user in file.users()) == sorted(
        f"{writer}-{user}" for writer in range(4) for user in (0, 2, 4, 6, 8)
    )
    assert os.listdir(path.parent) == ["users"]


def add_and_remove(path: str, number: int) -> None:
    file = UserFile(path, hasher=CHEAP)
    for user in range(10):
        file.add(f"{number}-{user}", PASSWORD, administrator=True)
    for user in range(1, 10, 2):
        file.remove(f"{number}-{user}")
