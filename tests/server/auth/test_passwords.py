"""Tests of server/auth/passwords.py: the order of the backends, the cache of correct passwords, and delays."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from logonscope.broker import Caller
from logonscope.errors import ServerTooBusyError
from logonscope.server.auth.passwords import CACHE_SECONDS, MAX_CACHED, PasswordBackend, Passwords, strip_domain
from logonscope.server.auth.throttle import FREE_FAILURES, MAX_DELAY, MAX_WAITING, USER_LIMIT, Throttle
from logonscope.server.auth.user_file import UserFile

HERE, THERE = "192.0.2.1", "198.51.100.7"
ALICE = Caller("alice", 1000, administrator=False)
ROOT = Caller("root", 0, administrator=True)
PASSWORD = "correct horse battery staple"  # noqa: S105 -- a test's
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Known:
    """Knows some passwords, and what it was asked."""

    def __init__(self, known: dict[tuple[str, str], Caller]) -> None:
        self.known = known
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, password: str) -> Caller | None:
        """Answer."""
        self.asked.append((name, password))
        return self.known.get((name, password))


class Scene:
    """Passwords with a clock, a check and a version that tests change."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.version = 1
        self.file = Known({("alice", PASSWORD): ALICE})
        self.pam = Known({("root", PASSWORD): ROOT})
        self.now_known = {ROOT: ROOT}
        throttle = Throttle(lambda: self.now)
        self.passwords = Passwords(
            (PasswordBackend(self.file), PasswordBackend(self.pam, self.by_now)),
            throttle,
            lambda: self.now,
            lambda: self.version,
        )

    def by_now(self, who: Caller) -> Caller | None:
        """Return who that is by now."""
        return self.now_known.get(who)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_checks_run_in_order_until_one_decides(scene: Scene) -> None:
    assert scene.passwords.verify("alice", PASSWORD, HERE) == ALICE
    assert (len(scene.file.asked), len(scene.pam.asked)) == (1, 0)
    root = scene.passwords.verify("root", PASSWORD, HERE)
    assert root is not None
    assert root.uid == 0
    assert scene.passwords.verify("mallory", PASSWORD, HERE) is None
    assert (len(scene.file.asked), len(scene.pam.asked)) == (3, 2)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("alice", "alice"),
        ("CORP\\alice", "alice"),
        (".\\alice", "alice"),
        ("\\alice", "alice"),
        ("alice@CORP.EXAMPLE", "alice"),
        ("alice@", "alice"),
        ("a\\b\\c", "b\\c"),
        ("CORP\\alice@corp", "alice@corp"),
        ("CORP\\", ""),
        ("@corp", ""),
        ("", ""),
    ],
)
def test_domain_and_realm_are_taken_off(sent: str, name: str) -> None:
    assert strip_domain(sent) == name


def test_a_domain_makes_no_difference(scene: Scene) -> None:
    for name in ("alice", "CORP\\alice", ".\\alice", "alice@corp.example"):
        assert scene.passwords.verify(name, PASSWORD, HERE) == ALICE
    assert len(scene.file.asked) == 1


def test_a_success_is_remembered_for_a_minute_from_anywhere(scene: Scene) -> None:
    scene.passwords.verify("alice", PASSWORD, HERE)
    scene.now += CACHE_SECONDS - 1
    assert scene.passwords.verify("alice", PASSWORD, THERE) == ALICE
    assert len(scene.file.asked) == 1
    scene.now += 1
    del scene.file.known["alice", PASSWORD]
    assert scene.passwords.verify("alice", PASSWORD, HERE) is None


def test_who_that_is_is_not_remembered(scene: Scene) -> None:
    assert scene.passwords.verify("root", PASSWORD, HERE) == ROOT
    less = ROOT._replace(administrator=False)
    for now in (less, None, ROOT):
        scene.now_known = {} if now is None else {ROOT: now}
        assert scene.passwords.verify("root", PASSWORD, HERE) == now
    assert len(scene.pam.asked) == 1


def test_another_password_or_name_is_not_what_is_remembered(scene: Scene) -> None:
    scene.passwords.verify("alice", PASSWORD, HERE)
    for name, password in (("alice", PASSWORD[:-1]), ("alic", f"e{PASSWORD}"), ("ALICE", PASSWORD), ("alice", "")):
        assert scene.passwords.verify(name, password, HERE) is None


def test_a_failure_is_not_remembered(scene: Scene) -> None:
    assert scene.passwords.verify("bob", PASSWORD, HERE) is None
    scene.file.known["bob", PASSWORD] = ALICE
    assert scene.passwords.verify("bob", PASSWORD, HERE) == ALICE


def test_when_the_user_file_changes_all_are_forgotten(scene: Scene) -> None:
    scene.passwords.verify("alice", PASSWORD, HERE)
    scene.file.known.clear()
    scene.version += 1
    assert scene.passwords.verify("alice", PASSWORD, HERE) is None


def test_a_success_with_an_older_file_is_not_cached(scene: Scene) -> None:
    def slow(name: str, password: str) -> Caller | None:
        scene.version += 1  # the file changes, and another user asks meanwhile
        passwords.verify("bob", "another password", THERE) if name == "alice" else None
        return scene.file(name, password)

    passwords = Passwords((PasswordBackend(slow),), Throttle(), version=lambda: scene.version)
    assert passwords.verify("alice", PASSWORD, HERE) == ALICE
    scene.file.known.clear()
    assert passwords.verify("alice", PASSWORD, HERE) is None


def test_a_removed_user_of_a_real_file_is_out_at_once(tmp_path: Path) -> None:
    file = UserFile(tmp_path / "users", hasher=CHEAP)
    file.add("alice", PASSWORD, uid=1000)
    passwords = Passwords((PasswordBackend(file.verify),), Throttle(), version=lambda: file.version)
    assert passwords.verify("CORP\\Alice", PASSWORD, HERE) == ALICE
    UserFile(tmp_path / "users").remove("alice")
    assert passwords.verify("alice", PASSWORD, HERE) is None


def test_what_is_remembered_is_bounded_and_holds_no_password(scene: Scene) -> None:
    everybody = Passwords((PasswordBackend(lambda _, __: ALICE),), Throttle())
    for number in range(MAX_CACHED + 10):
        everybody.verify("alice", f"{PASSWORD}{number}", HERE)
    assert len(everybody._logins) == MAX_CACHED  # noqa: SLF001 -- how much is kept is the question
    assert PASSWORD not in repr(vars(everybody))
    assert everybody._key != scene.passwords._key  # noqa: SLF001 -- that of no other


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("x" * 257, "x"), ("x", ""), ("x", "x" * 513)])
def test_an_impossible_name_is_not_passed_to_a_backend(scene: Scene, name: str, password: str) -> None:
    assert scene.passwords.verify(name, password, HERE) is None
    assert scene.file.asked == []


def test_lone_surrogates_are_a_password_like_another(scene: Scene) -> None:
    assert scene.passwords.verify("alice", "\ud800", HERE) is None


def test_guesses_are_slowed_under_every_spelling_of_a_name(scene: Scene) -> None:
    spellings = ["alice", "ALICE", "corp\\Alice", "alice@corp", ".\\aLiCe"]
    for name in spellings[:FREE_FAILURES]:
        assert scene.passwords.delay(name, HERE) == 0.0
        assert scene.passwords.verify(name, "another password", HERE) is None
    assert scene.passwords.delay("other\\alice", THERE) == 1.0
    assert scene.passwords.verify("alice", PASSWORD, HERE) == ALICE
    assert scene.passwords.delay("alice", HERE) == 0.0


def test_what_is_remembered_is_no_way_to_guess_fast(scene: Scene) -> None:
    scene.passwords.verify("alice", PASSWORD, HERE)
    for number in range(100):
        with suppress(ServerTooBusyError):
            scene.passwords.verify("alice", f"guess {number}", THERE)
    assert scene.passwords.delay("alice", THERE) == MAX_DELAY  # even before the right one
    assert scene.passwords.delay("alice", HERE) == 0.0


def test_beyond_the_bound_what_is_remembered_is_refused_as_others_are(scene: Scene) -> None:
    scene.passwords.verify("alice", PASSWORD, HERE)
    for number in range(USER_LIMIT):
        assert scene.passwords.verify("alice", f"guess {number}", f"203.0.113.{number}") is None
    for password in ("another password", PASSWORD):
        with pytest.raises(ServerTooBusyError):
            scene.passwords.verify("alice", password, THERE)
    assert scene.passwords.verify("alice", PASSWORD, HERE) == ALICE


def test_a_place_is_known_where_the_user_authenticated(scene: Scene) -> None:
    assert not scene.passwords.is_known("alice", HERE)
    scene.passwords.verify("CORP\\alice", PASSWORD, HERE)
    assert scene.passwords.is_known("Alice", HERE)
    assert not scene.passwords.is_known("alice", THERE)
    assert not scene.passwords.is_known("root", HERE)


def test_attempts_by_another_way_than_a_password_count_too(scene: Scene) -> None:
    for _ in range(FREE_FAILURES):
        scene.passwords.begin("CORP\\Alice", HERE)
    assert scene.passwords.delay("alice", HERE) == 1.0
    scene.passwords.succeeded("alice", HERE)
    assert scene.passwords.delay("alice", HERE) == 0.0


def test_too_many_who_wait_are_turned_away(scene: Scene) -> None:
    for _ in range(100):
        with suppress(ServerTooBusyError):
            scene.passwords.verify("alice", "another password", HERE)
    for _ in range(MAX_WAITING):
        scene.passwords.delay("alice", HERE)
    with pytest.raises(ServerTooBusyError):
        scene.passwords.delay("alice", HERE)


def test_many_threads_ask_at_once(scene: Scene) -> None:
    answers: list[Caller | None] = []

    def ask() -> None:
        for _ in range(100):
            answers.append(scene.passwords.verify("alice", PASSWORD, HERE))
            scene.version += 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [ALICE] * 400
