"""Tests of server/auth/user_line.py: written lines are read back, and malformed lines are rejected."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.errors import InvalidParameterError
from logonscope.server.auth.user_line import MAX_UID, User, check, key_of, line_of, parse

HASH = "$argon2id$v=19$m=19456,t=2,p=1$" + "c2FsdHNhbHRzYWx0" + "$" + "aGFzaGhhc2hoYXNo"
NT_HASH = "8846f7eaee8fb117ad06bdd830b7586c"
WHERE = "/etc/logonscope/users"

names = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=':/\\@"#'), min_size=1, max_size=64)
uids = st.none() | st.integers(1, MAX_UID)
nt_hashes = st.none() | st.binary(min_size=16, max_size=16)
users = st.builds(User, names, uids, st.booleans(), st.just(HASH), nt_hashes).filter(
    lambda user: user.uid is not None or user.administrator
)
hostile = st.lists(st.text(":\n\r$#uadmin0 \u2028", max_size=9)).map("".join)


@given(st.lists(users, unique_by=lambda user: key_of(user.name)))
def test_what_is_written_is_read_back(written: list[User]) -> None:
    data = "".join(f"{line_of(user).text}\n" for user in written).encode()
    assert [line.user for line in parse(data, WHERE)] == written


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.text(":\n\r$#uadmin0 \u2028", max_size=9)).map("".join).map(str.encode)
)
def test_any_bytes_are_read_or_refused_and_never_changed(data: bytes) -> None:
    try:
        lines = parse(data, WHERE)
    except InvalidParameterError as error:
        assert re.match(rf"{WHERE}, line \d+: ", str(error))  # noqa: PT017 -- either is right
    else:
        assert "".join(f"{line.text}\n" for line in lines).encode() in {data, data + b"\n"}
        assert all(line.user is None for line in lines)  # none has a hash


@given(users, st.integers(0, 200), st.characters())
def test_a_changed_line_is_read_refused_or_another_user_that_can_be(user: User, at: int, character: str) -> None:
    text = line_of(user).text
    changed = f"{text[:at]}{character}{text[at + 1 :]}"
    try:
        lines = parse(changed.encode(errors="surrogatepass"), WHERE)
    except InvalidParameterError as error:
        assert user.password_hash not in str(error)  # noqa: PT017 -- either is right
    else:
        for found in filter(None, (line.user for line in lines)):
            check(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "# alice:1000:user:whatever",
        f"alice:1000:auditor:{HASH}:",
        f"alice:1000:user:{HASH}::seventh",
        f"alice:1000:user:{HASH}:{NT_HASH}:2027-01-01",
        "alice:1000:user:!:",
        "alice:1000:user:!",
        "alice:1000:user:$y$j9T$salt$hash:",
        "alice:1000:user:$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA:",
    ],
)
def test_what_is_no_user_is_kept_as_it_is(text: str) -> None:
    (line,) = parse(f"{text}\n".encode(), WHERE)
    assert (line.text, line.user) == (text, None)
    assert (line.key == "alice") == text.startswith("alice")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("alice", "invalid line: expected name:uid"),
        ("alice:1000:user", "invalid line: expected name:uid"),
        ("alice:1000:user::", "invalid line: expected name:uid"),
        (f"alice:1000::{HASH}:", "invalid line: expected name:uid"),
        (f"alice:1000:USER:{HASH}:", "invalid line: expected name:uid"),
        (f"alice:1000:user:{HASH}:\r", "invalid line: expected name:uid"),
        (f"al\x1bice:1000:user:{HASH}:", "invalid line: expected name:uid"),
        (f"alice:-1:user:{HASH}:", "invalid uid or NT hash"),
        (f"alice:01000:user:{HASH}:", "invalid uid or NT hash"),
        (f"alice:\u0661:user:{HASH}:", "invalid uid or NT hash"),
        (f"alice:1000:user:{HASH}:{NT_HASH[1:]}", "invalid uid or NT hash: expected a number"),
        (f"alice:4294967295:user:{HASH}:", "invalid uid 4294967295: expected 0 to 4294967294"),
        (f"alice::user:{HASH}:", "a user who is not an administrator must have a uid"),
        (f"alice:0:user:{HASH}:", "a user with uid 0 must be an administrator"),
        (f":1000:user:{HASH}:", "invalid name: expected 1 to 64 characters"),
        (f" alice:1000:user:{HASH}:", "invalid name"),
        (f"alice :1000:user:{HASH}:", "invalid name"),
        (f"CORP\\alice:1000:user:{HASH}:", "invalid name"),
        (f"alice@corp:1000:user:{HASH}:", "invalid name"),
        (f"{'a' * 65}:1000:user:{HASH}:", "invalid name"),
    ],
)
def test_a_malformed_line_is_refused_by_its_number_and_not_quoted(text: str, why: str) -> None:
    with pytest.raises(InvalidParameterError, match=rf"^{WHERE}, line 3: {re.escape(why)}") as refused:
        parse(f"# a comment\n\n{text}\n".encode(), WHERE)
    assert "argon2" not in str(refused.value)


def test_bytes_that_are_no_text_are_refused_by_their_line() -> None:
    with pytest.raises(InvalidParameterError, match="line 2: invalid UTF-8"):
        parse(b"#\n\xff\n", WHERE)


@pytest.mark.parametrize("other", ["alice", "ALICE", "Alice"])
def test_a_name_occurs_once_in_any_case(other: str) -> None:
    with pytest.raises(InvalidParameterError, match="line 3: duplicate name, first used in line 1"):
        parse(f"alice:1:user:{HASH}:\n\n{other}:2:user:!\n".encode(), WHERE)


def test_two_spellings_of_one_text_are_one_name() -> None:
    assert key_of("Ren\u00e9") == key_of("RENE\u0301")
    assert key_of("alice") != key_of("alicE\u0301")


def test_no_representation_shows_a_hash() -> None:
    (line,) = parse(f"alice:1000:user:{HASH}:{NT_HASH}\n".encode(), WHERE)
    shown = f"{line!r} {line.user!r} {line.user and line.user.caller!r}"
    assert "alice" in shown
    assert "argon2" not in shown
    assert "8846" not in shown
    assert repr(bytes.fromhex(NT_HASH)) not in shown
