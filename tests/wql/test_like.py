"""Tests of wql/like.py: LIKE matches as a simple matcher does, and no pattern is expensive."""

import re
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.errors import TimedOutError
from logonscope.machine import Deadline
from logonscope.wql.like import BLOCK, SHORT_PIECE, compile_like


def obviously(pattern: str, text: str) -> bool:
    """Match as the documentation says, a character at a time, trying all there is to try."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(obviously(pattern[1:], text[skipped:]) for skipped in range(len(text) + 1))
    end = pattern.find("]", 2 if pattern.startswith("[^") else 1)
    if pattern[0] == "[" and end > 0:
        members = pattern[1:end].removeprefix("^")
        fits = bool(text) and in_set(members, text[0]) is not pattern.startswith("[^")
        return fits and obviously(pattern[end + 1 :], text[1:])
    return bool(text) and pattern[0] in {"_", text[0]} and obviously(pattern[1:], text[1:])


def in_set(members: str, character: str) -> bool:
    if len(members) > 2 and members[1] == "-":
        return members[0] <= character <= members[2] or in_set(members[3:], character)
    return bool(members) and (members[0] == character or in_set(members[1:], character))


@given(st.text("ab%_[]^-\n", max_size=12), st.text("ab%_[]^-\n", max_size=12))
def test_it_says_what_an_obvious_matcher_says(pattern: str, text: str) -> None:
    assert compile_like(pattern)(text) is obviously(pattern, text)


@given(st.data())
def test_a_text_made_to_fit_is_found_to_fit(data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.sampled_from(["%", "_", "x", "[a-c]", "[^q]", "[%]", "[_]", "[[]", "é"])))
    shapes = {
        "%": st.text("abq", max_size=3), "_": st.sampled_from("a%\n"), "[a-c]": st.sampled_from("abc"),
        "[^q]": st.sampled_from("ab^"), "[%]": st.just("%"), "[_]": st.just("_"), "[[]": st.just("["),
    }  # fmt: skip
    text = "".join(data.draw(shapes.get(part, st.just(part))) for part in parts)
    assert compile_like("".join(parts))(text)


@given(st.text("aAbBzZéÉßïÏ%_", max_size=8), st.text("aAbBzZéÉßïÏ", max_size=8))
def test_the_case_of_letters_does_not_count(pattern: str, text: str) -> None:
    assert compile_like(pattern.swapcase() if "ß" not in pattern else pattern)(text) is compile_like(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("", "", "a"),
        ("%", "", None),
        ("ssh%", "SSHD", "openssh"),
        ("%ssh", "openssh", "sshd"),
        ("%s%h%", "system-shell", "h s"),
        ("a%a", "aa", "a"),
        ("a_c", "a\nc", "ac"),
        ("[a-c]x", "Bx", "dx"),
        ("[^a-c]x", "dx", "bx"),
        ("[c-a]", None, "b"),
        ("[]", None, ""),
        ("[^]", "^", ""),
        ("[a", "[a", "a"),
        ("100[%]", "100%", "1000"),
        ("C:\\%", "c:\\windows", "c:windows"),
        ("[-a]", "-", "b"),
        ("[a-]", "-", "b"),
        ("[\\d]", "d", "5"),
        (".*", ".*", "abc"),
    ],
)
def test_patterns(pattern: str, fits: str | None, does_not: str | None) -> None:
    assert fits is None or compile_like(pattern)(fits)
    assert does_not is None or not compile_like(pattern)(does_not)


@pytest.mark.parametrize("pattern", ["%a" * 5000 + "b", "a%" * 5000 + "b", "%" * 10_000 + "b", "%_" * 5000 + "b%c"])
def test_no_pattern_takes_longer_than_its_length_times_the_text(pattern: str) -> None:
    assert not compile_like(pattern)("a" * 20_000)  # a matcher that goes back does not come back


SHAPES = {
    "a": "aA", "s": "sS\u017f", "k": "kK\u212a", "é": "éÉ", "\u03a3": "\u03c2\u03c3\u03a3", "_": "x\n", "[a-c]": "abCd",
    "[^a]": "bA", "[S-z]": "sTz", "[\u00b5a]": "\u00b5\u039c\u03bca", "[]": "a", "[^]": "^", "[c-a]": "b",
}  # fmt: skip
"""Characters of a pattern, and texts that they match, or nearly do."""


@given(st.data())
def test_a_long_piece_in_a_long_text_is_found_where_the_piece_alone_matches(data: st.DataObject) -> None:
    common = ["a", "s", "é", "[a-c]", "_"]
    piece = data.draw(st.lists(st.sampled_from(common), min_size=SHORT_PIECE + 1, max_size=SHORT_PIECE + 8))
    piece[3] = data.draw(st.sampled_from([*SHAPES]))
    text = "".join(data.draw(st.sampled_from(SHAPES[part])) for part in piece)
    text = data.draw(st.text("aAsx", max_size=5)) + text + data.draw(st.text("aAsx", max_size=5))
    pattern, width = "".join(piece), len(piece)
    padded = text + "\0" * width
    expected = any(compile_like(pattern)(padded[begin : begin + width]) for begin in range(len(text) + 1))
    assert compile_like(f"%{pattern}%")(text + "\0" * (BLOCK // SHORT_PIECE)) is expected


@pytest.mark.parametrize("part", ["\U0010ffff", "[a-\U0010ffff]"])
def test_a_long_piece_matches_the_last_character_of_unicode(part: str) -> None:
    piece = "a" * SHORT_PIECE
    text = f"\U0010ffff{piece}" + "\0" * (BLOCK // SHORT_PIECE)
    assert compile_like(f"%{part}{piece}%")(text)


@pytest.mark.parametrize(
    "pattern",
    [f"%{'[ab]' * 240}x%", f"%{'_' * 900}x", f"%{'[^b-y]' * 160}x%", f"%{'a' * 15}x%", f"%{'[a-z]' * 190}%x%"],
)
def test_no_block_of_work_between_two_checkpoints_is_long(pattern: str) -> None:
    passed: list[float] = []
    fits = compile_like(pattern, lambda: passed.append(time.perf_counter()))
    passed.append(time.perf_counter())
    assert not fits("a" * 33_000)
    passed.append(time.perf_counter())
    steps = sorted(after - before for before, after in pairwise(passed))
    assert steps[-1] < 0.5
    assert passed[-1] - passed[0] < 2
    assert steps[len(steps) // 2] < 0.02


def test_an_error_at_a_checkpoint_ends_the_search() -> None:
    deadline = Deadline(0.01)
    fits = compile_like(f"%{'[ab]' * 240}x%", deadline.check)
    time.sleep(0.02)
    with pytest.raises(TimedOutError):
        fits("a" * 33_000)


@pytest.mark.parametrize(
    "pair",
    [
        "aA",
        "\u0390\u1fd3",
        "\u03b0\u1fe3",
        "\ufb05\ufb06",
        "k\u212a",
        "s\u017f",
        "\u03c3\u03c2",
        "\xdf\u1e9e",
        "\xb5\u03bc",
        "i\u0131",
        "i\u0130",
        "\u0130\u0131",
        "\u1fa2\u1faa",
        "ab",
    ],
)
def test_a_long_text_has_the_same_cases_as_a_short_one(pair: str) -> None:
    """The oracle is the regular expression."""
    for first, second in ((pair[0], pair[1]), (pair[1], pair[0])):
        match = compile_like(f"%{first}{'_' * SHORT_PIECE}%")
        expected = re.fullmatch(first, second, re.IGNORECASE) is not None
        text = second + "1" * SHORT_PIECE
        assert (match(text), match(text + "1" * BLOCK)) == (expected, expected)


def same_cases() -> list[set[str]]:
    """Return, for each character of Unicode that has cases, the characters that the regular expression finds equal."""
    everything = map(chr, range(sys.maxunicode + 1))
    cased = "".join(each for each in everything if {each.lower(), each.upper(), each.title()} != {each})
    return [set(re.findall(re.escape(each), cased, re.IGNORECASE)) for each in cased]


def test_a_range_in_a_long_text_has_the_same_cases_as_in_a_short_one() -> None:
    wrong = []
    for equal in {frozenset(equal) for equal in same_cases()}:
        last = max(equal)
        match = compile_like(f"%[{chr(ord(last) - 1)}-{last}]{'_' * SHORT_PIECE}%")
        texts = [each + "1" * SHORT_PIECE for each in equal]
        wrong += [text[0] for text in texts if not match(text) or not match(text + "1" * BLOCK)]
    assert wrong == []
