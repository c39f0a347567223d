r"""Tests of cim/paths.py: every spelling of an object path is parsed, and no text becomes another path.

The spellings are those that WMI documents and that public scripts use (wmi-object-path-requirements, MS-WMI).
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.paths import MAX_KEYS, MAX_PATH_LENGTH, Key, ObjectPath, parse_path
from logonscope.errors import InvalidObjectPathError

PROCESS = (("Handle", "4312"),)
OF_A_NAMESPACE = r"""
\\.\root\cimv2:Win32_Process.Handle="4312"          .         root\cimv2
//./root/cimv2:Win32_Process.Handle="4312"          .         root/cimv2
\\./root\cimv2:Win32_Process.Handle="4312"          .         root\cimv2
\/.\root/cimv2:Win32_Process.Handle="4312"          .         root/cimv2
\\localhost\ROOT\CIMV2:Win32_Process.Handle="4312"  localhost ROOT\CIMV2
\\web-1.example.org\root:Win32_Process.Handle="4312" web-1.example.org root
\\10.0.0.7\root\cimv2:Win32_Process.Handle="4312"   10.0.0.7  root\cimv2
root\cimv2:Win32_Process.Handle="4312"              -         root\cimv2
ROOT/CIMV2:Win32_Process.Handle="4312"              -         ROOT/CIMV2
root:Win32_Process.Handle="4312"                    -         root
Win32_Process.Handle="4312"                         -         -
"""
"""A path, its server and its namespace."""


@pytest.mark.parametrize("line", OF_A_NAMESPACE.strip().splitlines())
def test_a_path_may_be_full_or_begin_at_its_namespace_or_its_class(line: str) -> None:
    text, server, namespace = line.split()
    expected = ObjectPath("Win32_Process", PROCESS, *(None if word == "-" else word for word in (namespace, server)))
    assert parse_path(text) == expected


@pytest.mark.parametrize("line", OF_A_NAMESPACE.strip().splitlines())
def test_without_keys_it_is_the_path_of_a_class(line: str) -> None:
    text = line.split(maxsplit=1)[0].partition(".Handle")[0]
    assert parse_path(text).class_name == "Win32_Process"
    assert parse_path(text).keys is None
    assert parse_path(text).relative == "Win32_Process"


@pytest.mark.parametrize(
    ("text", "class_name", "keys"),
    [
        ("Win32_Process='1234'", "Win32_Process", ((None, "1234"),)),
        ('Win32_Process="1234"', "Win32_Process", ((None, "1234"),)),
        ("Win32_Process=1234", "Win32_Process", ((None, 1234),)),
        ('Win32_Process.Handle="13108"', "Win32_Process", (("Handle", "13108"),)),
        ("Win32_Process.Handle=7692", "Win32_Process", (("Handle", 7692),)),
        ("Win32_LogonSession.LogonId=37324052", "Win32_LogonSession", (("LogonId", 37324052),)),
        ("Win32_logonsession.logonid=2921480", "Win32_logonsession", (("logonid", 2921480),)),
        ("Win32_LogonSession.LogonId='999'", "Win32_LogonSession", (("LogonId", "999"),)),
        ('win32_LogonSession.LogonId="999"', "win32_LogonSession", (("LogonId", "999"),)),
        (
            r"Win32_DiskDrive.DeviceID='\\.\PHYSICALDRIVE0'", "Win32_DiskDrive",
            (("DeviceID", r"\.\PHYSICALDRIVE0"),),
        ),
    ],
)  # fmt: skip
def test_the_paths_of_public_queries_are_understood(
    text: str, class_name: str, keys: tuple[tuple[str | None, Key], ...]
) -> None:
    assert parse_path(text) == ObjectPath(class_name, keys)


ENDS = (
    r'Antecedent="\\\\.\\root\\cimv2:Win32_Account.Domain=\"X\",Name=\"SYSTEM\"",'
    r'Dependent="\\\\.\\root\\cimv2:Win32_LogonSession.LogonId=\"999\""'
)
LIVE = [
    r'\\.\root\cimv2:Win32_Account.Domain="CONTOSO",Name="bob"',
    r'\\.\root\cimv2:Win32_LogonSession.LogonId="37324052"',
    f"Win32_LoggedOnUser.{ENDS}",
    "Win32_OperatingSystem=@",
    r"\\WEB1\root\cimv2:Win32_OperatingSystem=@",
    "Win32_Process",
    "LS_Socket.Inode=17",
    'Win32_Process="1"',
]
"""As a Windows host writes them."""


@pytest.mark.parametrize("text", LIVE)
def test_a_path_is_written_as_windows_writes_it(text: str) -> None:
    assert str(parse_path(text)) == text


def test_the_path_of_an_association_holds_the_paths_of_its_ends() -> None:
    keys = dict(parse_path(LIVE[2]).keys or ())
    assert keys == {
        "Antecedent": r'\\.\root\cimv2:Win32_Account.Domain="X",Name="SYSTEM"',
        "Dependent": r'\\.\root\cimv2:Win32_LogonSession.LogonId="999"',
    }
    assert parse_path(str(keys["Antecedent"])).keys == (("Domain", "X"), ("Name", "SYSTEM"))


def test_keys_stay_in_the_order_in_which_they_were_given() -> None:
    assert parse_path('C.Name="bob",Domain="X",A=1').keys == (("Name", "bob"), ("Domain", "X"), ("A", 1))
    assert parse_path('C.A=1,Domain="X",Name="bob"').keys == (("A", 1), ("Domain", "X"), ("Name", "bob"))


def test_a_singleton_has_no_keys_and_is_not_its_class() -> None:
    singleton = parse_path(r"\\.\root\cimv2:Win32_OperatingSystem=@")
    assert singleton == ObjectPath("Win32_OperatingSystem", (), r"root\cimv2", ".")
    assert singleton.relative == "Win32_OperatingSystem=@"
    assert singleton.keys is not None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"alice"', "alice"),
        ("'alice'", "alice"),
        ('""', ""),
        ("''", ""),
        (r'"a\"b"', 'a"b'),
        (r'"a\'b"', "a'b"),
        (r"'a\'b'", "a'b"),
        (r"'a\"b'", 'a"b'),
        ('"a\'b"', "a'b"),
        ("'a\"b'", 'a"b'),
        (r'"a\\b"', r"a\b"),
        (r'"a\\"', "a\\"),
        (r'"\\\"\\"', '\\"\\'),
        (r'"C:\Windows"', r"C:\Windows"),
        (r'"\n"', r"\n"),
        ('"a b, c=d.e:f@"', "a b, c=d.e:f@"),
        ('"a%20b"', "a b"),
        ('"%09%0a%0D%7f%7F"', "\t\n\r\x7f\x7f"),
        ('"100%"', "100%"),
        ('"%zz%2"', "%zz%2"),
        ('"%41%2e"', "%41%2e"),
        ('"héß漢😀"', "héß漢😀"),
        ("0", 0),
        ("0041", 41),
        ("-1", -1),
        ("+1", 1),
        ("0x10", 16),
        ("0XfF", 255),
        ("18446744073709551615", 2**64 - 1),
        ("0xffffffffffffffff", 2**64 - 1),
        ("TRUE", True),
        ("false", False),
        ("tRuE", True),
    ],
)
def test_a_value_is_what_its_spelling_says(written: str, value: Key) -> None:
    for text in (f"C={written}", f"C.K={written}", f"C.A=1,K={written},Z=2"):
        pairs = parse_path(text).keys or ()
        found = dict(pairs).get("K" if "K" in text else None)
        assert (found, type(found)) == (value, type(value))


REFUSED = [
    ("", 1, "a class name"),
    ("4312", 1, "a class name"),
    ("=1", 1, "a class name"),
    (r"\\.\root\cimv2:", 16, "a class name"),
    (r"\\.\Win32_Process=1", 1, "a class name"),
    (r"\\server:Win32_Process=1", 1, "a class name"),
    (r"\root\cimv2:Win32_Process=1", 1, "a class name"),
    (":Win32_Process=1", 1, "a class name"),
    ("root:cimv2:C=1", 11, '"." or "="'),
    ("Win32_Process!", 14, '"." or "="'),
    ('Win32_Process"1"', 14, '"." or "="'),
    ("Win32_Process.", 15, "the name of a key"),
    ("Win32_Process.=1", 15, "the name of a key"),
    ("C.A=1,", 7, "the name of a key"),
    ("C.A=1,,B=2", 7, "the name of a key"),
    ("Win32_Process.Handle", 21, '"="'),
    ("Win32_Process.Handle.x=1", 21, '"="'),
    ("C=", 3, "a quoted string or a number"),
    ("C==1", 3, "a quoted string or a number"),
    ("C=alice", 3, "a quoted string or a number"),
    ("C=truth", 3, "a quoted string or a number"),
    ("C=0x", 3, "a quoted string or a number"),
    ("C=0x" + "f" * 17, 3, "a quoted string or a number"),
    ("C=" + "9" * 21, 3, "a quoted string or a number"),
    ("C=1x", 3, "a quoted string or a number"),
    ("C=٤", 3, "a quoted string or a number"),
    ("C=1.5", 4, "the end of the path"),
    ("C=1,2", 4, "the end of the path"),
    ("C=@x", 4, "the end of the path"),
    ('C="a"b', 6, "the end of the path"),
    ("C='a'b'", 6, "the end of the path"),
    ('C="a', 5, 'a closing "'),
    ("C='a\"", 6, "a closing '"),
    (r'C="a\"', 7, 'a closing "'),
    (' Win32_LogicalDisk="C:"', 1, "a class name"),
    ('Win32_LogicalDisk ="C:"', 18, '"." or "="'),
    ('Win32_LogicalDisk= "C:"', 19, "a quoted string or a number"),
    ('Win32_LogicalDisk="C:" ', 23, "the end of the path"),
    ('Win32_LogicalDisk .DeviceID="C:"', 18, '"." or "="'),
    ('Win32_LogicalDisk. DeviceID="C:"', 19, "the name of a key"),
    ('Win32_LogicalDisk.DeviceID ="C:"', 27, '"="'),
    ('Win32_LogicalDisk.DeviceID="C:", B=1', 33, "the name of a key"),
    ('Win32_LogicalDisk.DeviceID="C:" ,B=1', 32, "the end of the path"),
    ('root\\cimv2: Win32_LogicalDisk="C:"', 12, "a class name"),
    ("Win32_LogicalDisk\n", 18, '"." or "="'),
    ("Win32_LogicalDisk=\t@", 19, "a quoted string or a number"),
    ("Win32_LogicalDisk=\u00a01", 19, "a quoted string or a number"),
]
"""A text, the column at which it is no path, and what is missing there; the last ones for white space."""


@pytest.mark.parametrize(("text", "column", "missing"), REFUSED)
def test_what_is_no_path_is_refused_at_the_column_where_it_goes_wrong(text: str, column: int, missing: str) -> None:
    with pytest.raises(InvalidObjectPathError) as refused:
        parse_path(text)
    found = f"'{text[column - 1]}'" if column <= len(text) else "the end"
    reason = f"expected {missing} at column {column}, found {found}"
    assert refused.value.message == f"invalid object path '{text}': {reason}"
    assert (
        refused.value.hint
        == 'write it as Win32_Process.Handle="4312", without spaces; in a shell, put it in single quotes'
    )


@pytest.mark.parametrize(
    "text", [r"\\. \root\cimv2:C=1", r"\\ .\root\cimv2:C=1", r"\\.\root \cimv2:C=1", "\\\\.\\root\n:C=1", "root :C=1"]
)
def test_server_and_namespace_contain_no_white_space(text: str) -> None:
    with pytest.raises(InvalidObjectPathError, match="invalid object path"):
        parse_path(text)


def test_a_path_has_a_greatest_length() -> None:
    fits = f'C="{"a" * (MAX_PATH_LENGTH - 4)}"'
    assert parse_path(fits).keys == ((None, "a" * (MAX_PATH_LENGTH - 4)),)
    with pytest.raises(InvalidObjectPathError) as refused:
        parse_path(f"{fits} ")
    assert str(refused.value) == "object path too long: 16,385 characters, the limit is 16,384; shorten it"


def test_a_path_has_a_greatest_number_of_keys() -> None:
    pairs = [f"K{at}={at}" for at in range(MAX_KEYS)]
    assert len(parse_path("C." + ",".join(pairs)).keys or ()) == MAX_KEYS
    with pytest.raises(InvalidObjectPathError, match="too many keys in the object path: the limit is 64"):
        parse_path("C." + ",".join([*pairs, "More=1"]))


def test_an_error_shows_the_beginning_of_a_long_text() -> None:
    with pytest.raises(InvalidObjectPathError) as refused:
        parse_path('C="' + "a" * 10_000)
    assert len(str(refused.value)) < 300
    assert "at column 10004, found the end" in refused.value.message


names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,20}\Z") | st.text("aZ_é漢\u200c\uff21\ufffd", min_size=1, max_size=8)
texts = st.text(max_size=30) | st.text("\\\"' \t,.=@:/abAB01", max_size=20)
values: st.SearchStrategy[Key] = (
    texts.filter(lambda text: "%" not in text) | st.integers(-(10**20) + 1, 10**20 - 1) | st.booleans()
)
named = st.lists(st.tuples(names, values), min_size=1, max_size=4).map(tuple)
keys = named | st.tuples(st.tuples(st.none(), values)) | st.just(()) | st.none()
namespaces = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}([\\/][A-Za-z0-9_]{1,8}){0,2}\Z")
servers = st.from_regex(r"\A[A-Za-z0-9_.-]{1,20}\Z")
relative = st.builds(ObjectPath, names, keys, st.none(), st.none())
paths = relative | st.builds(ObjectPath, names, keys, namespaces, st.none() | servers)


@given(paths)
def test_what_is_written_is_read_back(path: ObjectPath) -> None:
    found = parse_path(str(path))
    assert repr(found) == repr(path)  # repr: TRUE is not 1
    assert str(found) == str(path)


@given(paths, paths)
def test_paths_may_stand_in_a_path_and_come_out_unharmed(one: ObjectPath, other: ObjectPath) -> None:
    outer = ObjectPath("LS_SessionProcess", (("Antecedent", str(one)), ("Dependent", str(other))))
    found = dict(parse_path(str(outer)).keys or ())
    assert found == {"Antecedent": str(one), "Dependent": str(other)}
    assert repr(parse_path(str(found["Antecedent"]))) == repr(one)


percents = st.sampled_from(["%", "%20", "%25", "%2520", "%00", "%7F", "a%1fb"])


@given(st.lists(percents | st.text("%025fF", max_size=3), min_size=1, max_size=4).map("".join))
def test_a_percent_sign_in_a_value_is_read_back_too(value: str) -> None:
    path = ObjectPath("Win32_Account", (("Name", value),))
    assert parse_path(str(path)) == path


def read(text: str) -> ObjectPath | None:
    """Return the path that a text is; None where it is refused."""
    try:
        return parse_path(text)
    except InvalidObjectPathError:
        return None


@st.composite
def damaged_paths(draw: st.DrawFn) -> str:
    """Return a path with some characters gone, doubled or exchanged."""
    text = draw(paths.map(str) | st.sampled_from(LIVE))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text("\\/\"'=.,:@% aA0\n\x00é", max_size=2)) + text[at + draw(st.integers(0, 2)) :]
    return text


@given(st.text(max_size=60) | st.text("\\/\"'=.,:@% xaA01\n", max_size=40) | damaged_paths())
def test_any_text_is_a_path_or_an_invalid_object_path_and_nothing_else(text: str) -> None:
    path = read(text)
    assert path is None or parse_path(str(path)) == path


LONG = {
    "slashes": "\\" * MAX_PATH_LENGTH,
    "a server that never ends": "\\\\" + "a" * (MAX_PATH_LENGTH - 2),
    "a namespace that never ends": "\\\\.\\" + "a\\" * (MAX_PATH_LENGTH // 2 - 2),
    "a relative namespace that never ends": "a/" * (MAX_PATH_LENGTH // 2),
    "a class that never ends": "a" * MAX_PATH_LENGTH,
    "a string that never ends": 'C="' + "a" * (MAX_PATH_LENGTH - 3),
    "backslashes": 'C="' + "\\" * (MAX_PATH_LENGTH - 4) + '"',
    "quotes": 'C="' + '\\"' * (MAX_PATH_LENGTH // 2 - 4) + '"',
    "percent signs": 'C="' + "%2" * (MAX_PATH_LENGTH // 2 - 4) + '"',
    "digits": "C=" + "1" * (MAX_PATH_LENGTH - 2),
    "keys": "C." + "a=1," * (MAX_PATH_LENGTH // 4 - 2),
}


@pytest.mark.parametrize("kind", LONG)
def test_the_longest_text_is_judged_at_once(kind: str) -> None:
    assert len(LONG[kind]) <= MAX_PATH_LENGTH
    before = time.process_time()
    path = read(LONG[kind])
    assert time.process_time() - before < 0.5
    assert path is None or parse_path(str(path)) == path
