"""Tests of cim/mof/read.py: MOF as DSP0004 and WMI define it, and an error with its position for other text."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.classes import (
    AMENDED,
    CIMTYPE,
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
)
from logonscope.cim.mof.read import MofError, read_mof
from logonscope.cim.schema.build import FOLDER


def only(text: str) -> Declaration:
    """Return the one class that a text declares."""
    (declared,) = read_mof(text)
    return declared


def qualifier(text: str) -> Qualifier:
    """Return the one qualifier of a class."""
    (found,) = only(f"[{text}] class C {{}};").qualifiers
    return found


def feature(text: str) -> Property:
    """Return the one property of a class, less its CIMTYPE."""
    (found,) = only(f"class C {{ {text}; }};").properties
    return found._replace(qualifiers=tuple(q for q in found.qualifiers if q.name != CIMTYPE))


def typed(spelled: str) -> Qualifier:
    """Return the qualifier that keeps a type's spelling."""
    return Qualifier(CIMTYPE, spelled, TO_INSTANCE | TO_SUBCLASS)


def numbered(number: int) -> Qualifier:
    """Return the qualifier that numbers a parameter."""
    return Qualifier("ID", number, TO_INSTANCE | NOT_OVERRIDABLE)


WHOLE = r"""
// What WMI writes, and mofcomp reads.
#pragma namespace("\\\\.\\ROOT\\CIMV2")

[Association : ToInstance ToSubclass DisableOverride, Locale(1033) : ToInstance, /* of people */
 Description("Who "
             "owns what.") : ToSubclass Amended]
class Test_Owner : CIM_Dependency
{
  [Key, Override("Antecedent")]
  Win32_Account ref Antecedent;
  [Values{"a", "b, c", "\"d\""}, Read : ToSubclass]
  String Names[] = {"x", "y"};
  object Anything;
  object:Win32_Process Process;
  [Static]
  UINT32 Count(
    [In] String Pattern,
    [In, Out] object:Win32_Process Seen[],
    CIM_Process ref Which);
  boolean Stop();
};
"""


def test_a_class_is_what_its_text_says() -> None:
    assert only(WHOLE) == Declaration(
        name="Test_Owner",
        namespace=r"root\cimv2",
        superclass="CIM_Dependency",
        qualifiers=(
            Qualifier("Association", True, TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE),
            Qualifier("Locale", 1033, TO_INSTANCE),
            Qualifier("Description", "Who owns what.", TO_SUBCLASS | AMENDED),
        ),
        properties=(
            Property(
                "Antecedent",
                "reference",
                False,
                "Win32_Account",
                (typed("ref:Win32_Account"), Qualifier("Key", True, 19), Qualifier("Override", "Antecedent", 0)),
            ),
            Property(
                "Names",
                "string",
                True,
                None,
                (typed("String"), Qualifier("Values", ("a", "b, c", '"d"'), 0), Qualifier("Read", True, TO_SUBCLASS)),
                default=("x", "y"),
            ),
            Property("Anything", "object", False, None, (typed("object"),)),
            Property("Process", "object", False, "Win32_Process", (typed("object:Win32_Process"),)),
        ),
        methods=(
            Method(
                "Count",
                "uint32",
                (
                    Parameter(
                        "Pattern", "string", False, None, (typed("String"), Qualifier("In", True, 0), numbered(0))
                    ),
                    Parameter(
                        "Seen",
                        "object",
                        True,
                        "Win32_Process",
                        (
                            typed("object:Win32_Process"),
                            Qualifier("In", True, 0),
                            Qualifier("Out", True, 0),
                            numbered(1),
                        ),
                    ),
                    Parameter("Which", "reference", False, "CIM_Process", (typed("ref:CIM_Process"), numbered(2))),
                ),
                (Qualifier("Static", True, 0),),
            ),
            Method("Stop", "boolean", (), ()),
        ),
    )


def test_a_file_may_declare_any_number_of_classes() -> None:
    assert list(read_mof("")) == []
    assert list(read_mof(" \n\t// nothing\n/* at\nall */")) == []
    assert [declared.name for declared in read_mof("class A {}; class B : A {};")] == ["A", "B"]


@pytest.mark.parametrize(
    ("argument", "namespace"),
    [
        (r"\\\\.\\root\\cimv2", r"root\cimv2"),
        (r"\\\\.\\ROOT\\CIMV2", r"root\cimv2"),
        ("//./root/cimv2", r"root\cimv2"),
        ("root/cimv2", r"root\cimv2"),
        ("root", "root"),
    ],
)
def test_a_pragma_says_the_namespace_of_the_classes_after_it(argument: str, namespace: str) -> None:
    declared = read_mof(
        f'class A {{}}; #pragma namespace("{argument}") class B {{}}; #PRAGMA Namespace("x") class C {{}};'
    )
    assert [known.namespace for known in declared] == [None, namespace, "x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Q", True),
        ("Q(TRUE)", True),
        ("Q(false)", False),
        ("Q(1033)", 1033),
        ("Q(-1)", -1),
        ("Q(+7)", 7),
        ("Q(0x1F)", 31),
        ("Q(0)", 0),
        ('Q("")', ""),
        ('Q("a b")', "a b"),
        ('Q("a" "b"\n  "c")', "abc"),
        ('Q("a // b /* c */")', "a // b /* c */"),
        (r'Q("\\\"\'")', "\\\"'"),
        (r'Q("\n\t\r\b\f")', "\n\t\r\b\f"),
        ('Q("é漢😀")', "é漢😀"),
        ("Q{}", ()),
        ('Q{"a"}', ("a",)),
        ('Q{"a", "b" "c"}', ("a", "bc")),
        ("Q{1, TRUE, 0x10}", (1, True, 16)),
    ],
)
def test_a_qualifier_has_the_value_that_its_text_says(text: str, value: Any) -> None:
    found = qualifier(text)
    assert type(found.value) is type(value)
    assert found == Qualifier("Q", value, 0)


@pytest.mark.parametrize(
    ("text", "flavor"),
    [
        ("Q", 0),
        ("Q : ToInstance", TO_INSTANCE),
        ("Q : tosubclass", TO_SUBCLASS),
        ("Q:DisableOverride", NOT_OVERRIDABLE),
        ("Q : Amended ToSubclass", TO_SUBCLASS | AMENDED),
        ("Q : ToSubclass ToSubclass", TO_SUBCLASS),
        ("Key", TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE),
        ("KEY", TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE),
        ("Key : ToInstance", TO_INSTANCE),
    ],
)
def test_a_qualifier_has_the_flavors_that_stand_after_it(text: str, flavor: int) -> None:
    assert qualifier(text).flavor == flavor


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("uint8 X", Property("X", "uint8", False, None, ())),
        ("UInt8 X[]", Property("X", "uint8", True, None, ())),
        ("CHAR16 X", Property("X", "char16", False, None, ())),
        ("real64 X", Property("X", "real64", False, None, ())),
        ("C_1 ref X", Property("X", "reference", False, "C_1", ())),
        ("C_1 REF X[]", Property("X", "reference", True, "C_1", ())),
        ("Object X", Property("X", "object", False, None, ())),
        ("object : C_1 X[]", Property("X", "object", True, "C_1", ())),
        ("string reference", Property("reference", "string", False, None, ())),
        ("string objective", Property("objective", "string", False, None, ())),
        ("string Class", Property("Class", "string", False, None, ())),
        ("refs ref refs", Property("refs", "reference", False, "refs", ())),
        ("uint8 X = 0", Property("X", "uint8", False, None, (), default=0)),
        ("sint64 X = -0x10", Property("X", "sint64", False, None, (), default=-16)),
        ('string X="a" "b"', Property("X", "string", False, None, (), default="ab")),
        ("boolean X = False", Property("X", "boolean", False, None, (), default=False)),
        ("uint8 X[] = {1, 255}", Property("X", "uint8", True, None, (), default=b"\x01\xff")),
        ("uint16 X[] = {}", Property("X", "uint16", True, None, (), default=())),
    ],
)
def test_a_property_has_the_type_before_its_name(text: str, declared: Property) -> None:
    assert feature(text) == declared


@pytest.mark.parametrize("spelled", ["string", "String", "DateTime", "UINT32"])
def test_the_spelling_of_a_type_is_kept_beside_it(spelled: str) -> None:
    (declared,) = only(f"class C {{ {spelled} X; }};").properties
    assert declared.type == spelled.lower()
    assert declared.qualifiers == (typed(spelled),)


REFUSED = r"""
class
class A
class A {}
class A {};;
class A : {};
class A : B : C {};
class {};
class 1 {};
class A-B {};
class é {};
[] class A {};
[Q,] class A {};
[Q : ] class A {};
[Q : Sub] class A {};
[Q()] class A {};
[Q(a)] class A {};
[Q(null)] class A {};
[Q(1.5)] class A {};
[Q(010)] class A {};
[Q('a')] class A {};
[Q("a)] class A {};
[Q("\")] class A {};
[Q("\x41")] class A {};
[Q("\q")] class A {};
[Q{"a",}] class A {};
[Q{"a" class A {};
[Q] [R] class A {};
class A { sting X; };
class A { string; };
class A { string X };
class A { string X[3]; };
class A { string X = ; };
class A { string X = a; };
class A { string X = 1; };
class A { string X = {"a"}; };
class A { string X[] = "a"; };
class A { uint8 X = 256; };
class A { uint8 X[] = {-1}; };
class A { uint8 X = TRUE; };
class A { boolean X = 1; };
class A { datetime X = "20260101000000.000000+000"; };
class A { object X = "a"; };
class A { uint32 F(string a = "b"); };
class A { string ref; };
class A { reference X; };
class A { string ref X Y; };
class A { uint32 F(; };
class A { uint32 F(string); };
class A { uint32 F(string a,); };
class A { uint32 F() };
class A { B ref F(); };
instance of A {};
Qualifier Q : string, Scope(any);
#pragma
#pragma namespace
#pragma namespace()
#pragma locale("en_US")
#pragma include("/etc/passwd")
#include "a.mof"
/* class A {};
%PDF-1.7
"""
"""Some of it is MOF, but not of this dialect; a line is a file."""


@pytest.mark.parametrize("text", REFUSED.strip().splitlines())
def test_what_is_no_mof_in_this_dialect_is_refused_and_the_file_named(text: str) -> None:
    with pytest.raises(MofError, match=r"^a\.mof:"):
        list(read_mof(text, "a.mof"))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("class A\n{\n  string X Y;\n};", "MOF:3:12: Unexpected token "),
        ("class A\n{\n  string X;\n", "MOF:3:11: Unexpected token "),
        ("class A {};\n  $", "MOF:2:3: No terminal matches '$' "),
        ("class A\n{\n  sting X;\n};", "MOF: line 3: unknown type sting"),
        ("\n[Q : Sub] class A {};", "MOF: line 2: unknown flavor Sub"),
        ('#pragma locale("x")', "MOF: pragma locale is not supported"),
    ],
)
def test_an_error_says_where_and_why_in_one_line(text: str, where: str) -> None:
    with pytest.raises(MofError) as refused:
        list(read_mof(text))
    assert str(refused.value).startswith(where)
    assert len(str(refused.value).splitlines()) == 1


def read(text: str) -> list[Declaration] | None:
    """Return what a text declares; None where it is refused."""
    try:
        return list(read_mof(text))
    except MofError:
        return None


MOFS = [WHOLE, *(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*_Session*.mof")))]
scraps = st.sampled_from(
    [*'[]{}();:,"\\#/*\n\0é', "class ", " ref ", "object:", '"\\', "//", "/*", "TRUE", "0x", "-", "[]"]
)


@st.composite
def damaged_mofs(draw: st.DrawFn) -> str:
    """Return a MOF file with some characters gone and some in between."""
    text = draw(st.sampled_from(MOFS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(scraps | st.just("")) + text[at + draw(st.integers(0, 3)) :]
    return text


@given(damaged_mofs() | st.lists(scraps | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_is_declarations_or_a_mof_error_and_nothing_else(text: str) -> None:
    declared = read(text)
    assert declared is None or all(isinstance(known, Declaration) for known in declared)


LONG = {
    "a string that never ends": '[Q("' + "a" * 100_000,
    "backslashes": '[Q("' + "\\" * 100_000,
    "a comment that never ends": "/*" + "*" * 100_000,
    "digits": f"[Q({'9' * 100_000})] class A {{}};",
    "a name": "class " + "a" * 100_000,
    "brackets": "[" * 100_000,
    "strings": "[Q(" + '"a"' * 20_000 + ")] class A {};",
}


@pytest.mark.parametrize("kind", LONG)
def test_a_long_text_is_judged_at_once(kind: str) -> None:
    before = time.process_time()
    declared = read(LONG[kind])
    assert time.process_time() - before < 2
    assert declared is None or [known.name for known in declared] == ["A"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("[ID(0)] string A", Qualifier("ID", 0, 0)), ("[ID(7) : ToInstance] string A", Qualifier("ID", 7, TO_INSTANCE))],
)
def test_a_parameter_that_gives_its_id_keeps_it(text: str, expected: Qualifier) -> None:
    (method,) = only(f"class C {{ uint32 F({text}, string B); }};").methods
    assert [parameter.qualifiers[-1] for parameter in method.parameters] == [expected, numbered(1)]
