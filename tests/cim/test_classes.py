"""Tests of cim/classes.py: members of a class, with the inherited ones, compared with small classes in MOF."""

import pytest

from logonscope.cim.classes import (
    AMENDED,
    CIMTYPE,
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Class,
    Qualifier,
    find_qualifier,
    has_qualifier,
    inherit_qualifiers,
    list_classes_hint,
    show_class_hint,
    suggest_name,
)
from logonscope.cim.schema import CIMV2, schema
from logonscope.errors import HintCode, InvalidMethodError, InvalidPropertyError
from tests.cim.declared import class_of

FAMILY = """
[Abstract, Locale(1033) : ToInstance, Schema("Win32") : ToSubclass, Description("Anything.") : ToSubclass Amended]
class Thing
{
  [Read : ToSubclass, MaxLen(64) : ToSubclass, Fixed]
  string Caption;
  [Description("When it came.")]
  DateTime Since;
  [Implemented : ToSubclass, Static]
  uint32 Reset([In] boolean Hard, [Out] string Was);
  uint32 Poke();
};

[Association : ToInstance ToSubclass DisableOverride, Schema("LS") : ToSubclass]
class Tie : Thing
{
  [Key, Override("caption")]
  String CAPTION;
  [Key]
  Thing ref one;
  [Key : ToInstance ToSubclass DisableOverride]
  uint8 Bytes[];
};

[Singleton]
class Last : Tie
{
  boolean On;
  [Override("Reset")]
  uint32 reset([In] boolean Hard);
  uint32 Only();
};
"""


@pytest.fixture
def last() -> Class:
    """Return the class with the most to inherit."""
    return class_of(FAMILY)


def names(qualifiers: tuple[Qualifier, ...]) -> list[str]:
    return [qualifier.name for qualifier in qualifiers]


def test_a_class_knows_its_ancestors_the_parent_first(last: Class) -> None:
    assert (last.name, last.namespace, last.superclass, last.dynasty) == ("Last", CIMV2, "Tie", "Thing")
    assert last.derivation == ("Tie", "Thing")


def test_a_class_without_a_parent_is_the_top_of_its_dynasty() -> None:
    top = class_of("class Top {};")
    assert (top.superclass, top.dynasty, top.derivation, top.keys) == (None, "Top", (), ())
    assert (dict(top.properties), dict(top.methods), top.qualifiers) == ({}, {}, ())


@pytest.mark.parametrize(
    ("name", "answer"),
    [("Last", True), ("LAST", True), ("tie", True), ("THING", True), ("Las", False), ("", False), ("Other", False)],
)
def test_a_class_is_itself_and_its_ancestors_in_any_case(last: Class, name: str, *, answer: bool) -> None:
    assert last.is_a(name) is answer


def test_properties_stand_in_the_order_in_which_they_were_first_declared(last: Class) -> None:
    assert [known.name for known in last.properties.values()] == ["CAPTION", "Since", "one", "Bytes", "On"]
    assert list(last.properties) == ["CAPTION", "Since", "one", "Bytes", "On"]
    assert "caption" in last.properties
    assert last.properties["BYTES"] is last.properties["bytes"]
    assert [known.origin for known in last.properties.values()] == ["Thing", "Thing", "Tie", "Tie", "Last"]


def test_keys_are_in_alphabetical_order_as_paths_have_them(last: Class) -> None:
    assert last.keys == ("Bytes", "CAPTION", "one")
    assert schema().get("Win32_Account").keys == ("Domain", "Name")
    assert schema().get("Win32_SessionProcess").keys == ("Antecedent", "Dependent")


def test_a_class_has_the_qualifiers_that_pass_on_and_its_own(last: Class) -> None:
    assert names(last.qualifiers) == ["Description", "Association", "Schema", "Singleton"]
    schemas = [qualifier.value for qualifier in last.qualifiers if qualifier.name == "Schema"]
    assert schemas == ["LS"]
    assert (last.is_association, last.is_singleton, last.is_abstract) == (True, True, False)


def test_abstract_is_not_inherited() -> None:
    assert class_of("[Abstract] class A {};").is_abstract
    assert not class_of("[Abstract] class A {}; class B : A {};").is_abstract


def test_a_property_that_is_declared_again_keeps_what_passes_on(last: Class) -> None:
    caption = last.property_named("Caption")
    assert names(caption.qualifiers) == ["Read", "MaxLen", CIMTYPE, "Key", "Override"]
    spelled = find_qualifier(caption.qualifiers, CIMTYPE)
    assert spelled is not None
    assert spelled.value == "String"


def test_a_property_that_is_not_declared_again_is_the_parents(last: Class) -> None:
    assert last.property_named("since") == last.properties["Since"]
    assert names(last.property_named("since").qualifiers) == [CIMTYPE, "Description"]
    one = last.property_named("ONE")
    assert (one.type, one.reference, one.array) == ("reference", "Thing", False)
    array = last.property_named("bytes")
    assert (array.type, array.reference, array.array) == ("uint8", None, True)


def test_methods_of_the_class_stand_before_those_that_it_inherits(last: Class) -> None:
    assert [method.name for method in last.methods.values()] == ["reset", "Only", "Poke"]
    assert [method.origin for method in last.methods.values()] == ["Last", "Last", "Thing"]
    reset = last.method_named("RESET")
    assert names(reset.qualifiers) == ["Implemented", "Override"]
    assert [parameter.name for parameter in reset.parameters] == ["Hard"]


def test_a_parameter_goes_in_or_out() -> None:
    method = class_of("class C { uint32 M([In] string a, [Out] string b, [In, Out] string c, string d); };")
    directions = [(of.is_in, of.is_out) for of in method.method_named("m").parameters]
    assert directions == [(True, False), (False, True), (True, True), (False, False)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Captoin", "Last has no property 'Captoin'; did you mean CAPTION?"),
        ("zzz", 'Last has no property \'zzz\'; host.get_class("Last", namespace="root/cimv2") shows the class'),
        ("", 'Last has no property \'\'; host.get_class("Last", namespace="root/cimv2") shows the class'),
        ("Reset", 'Last has no property \'Reset\'; host.get_class("Last", namespace="root/cimv2") shows the class'),
    ],
)
def test_a_property_that_is_not_there_is_refused_with_a_hint(last: Class, name: str, text: str) -> None:
    with pytest.raises(InvalidPropertyError) as refused:
        last.property_named(name)
    assert str(refused.value) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rest", "Last has no method 'rest'; did you mean reset?"),
        ("zzz", 'Last has no method \'zzz\'; host.get_class("Last", namespace="root/cimv2") shows the class'),
    ],
)
def test_a_method_that_is_not_there_is_refused_with_a_hint(last: Class, name: str, text: str) -> None:
    with pytest.raises(InvalidMethodError) as refused:
        last.method_named(name)
    assert str(refused.value) == text


def test_a_hint_names_the_nearest_name_as_it_was_declared() -> None:
    names, otherwise = ["Win32_Process", "Win32_Processor"], list_classes_hint("root\\logonscope")
    assert suggest_name("win32_proces", names, otherwise) == "did you mean Win32_Process?"
    assert suggest_name("WIN32_PROCESSORS", names, otherwise) == "did you mean Win32_Processor?"
    assert suggest_name("zzz", names, otherwise) is suggest_name("x", [], otherwise) is otherwise
    assert (otherwise.code, otherwise.values) == (HintCode.LIST_CLASSES, {"namespace": "root/logonscope"})
    assert show_class_hint("LS_Process", "root\\logonscope").values == {
        "name": "LS_Process",
        "namespace": "root/logonscope",
    }


def test_a_qualifier_is_found_in_any_case_and_set_where_it_is_true() -> None:
    qualifiers = (Qualifier("Key", True, 19), Qualifier("Read", False, 2), Qualifier("MaxLen", 1, 2))
    assert find_qualifier(qualifiers, "KEY") == qualifiers[0]
    assert find_qualifier(qualifiers, "Write") is None
    answers = [has_qualifier(qualifiers, name) for name in ("key", "Read", "maxlen", "Write")]
    assert answers == [True, False, False, False]


@pytest.mark.parametrize(
    ("flavor", "passes"),
    [
        (0, False),
        (TO_INSTANCE, False),
        (TO_SUBCLASS, True),
        (TO_SUBCLASS | AMENDED, True),
        (TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE, True),
        (TO_INSTANCE | NOT_OVERRIDABLE | AMENDED, False),
    ],
)
def test_a_qualifier_passes_on_by_its_flavor(flavor: int, *, passes: bool) -> None:
    parents, own = (Qualifier("A", 1, flavor),), (Qualifier("B", 2, 0),)
    assert inherit_qualifiers(own, parents) == ((*parents, *own) if passes else own)
    again = (Qualifier("a", 3, 0),)
    assert inherit_qualifiers(again, parents) == again


def test_a_class_shows_where_it_is(last: Class) -> None:
    assert repr(last) == r"<Class root\cimv2:Last>"
