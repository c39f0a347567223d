"""Tests of cim/instances.py: a row is an instance with items, attributes and a path."""

import copy
import pickle
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.classes import Declaration
from logonscope.cim.instances import SYSTEM_PROPERTIES, ClassRows, Instance, Outcome, instances_of, iterate_instances
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.cim.types import Value
from logonscope.errors import InvalidPropertyError

NOW = datetime(2026, 1, 1, 10, 2, tzinfo=UTC)


def one(class_name: str, columns: Sequence[str], row: Sequence[Value], namespace: str = CIMV2) -> Instance:
    """Return the instance that a row of a class is, on the host web1."""
    result = ClassRows(schema().get(class_name, namespace), tuple(columns), iter([tuple(row)]))
    return next(instances_of(result, "web1"))


@pytest.fixture
def process() -> Instance:
    """Return a process of which a few properties were asked for."""
    columns = ("Name", "Handle", "CreationDate", "ExecutablePath", "WorkingSetSize")
    return one("Win32_Process", columns, ("sshd", "4312", NOW, None, 2**40))


@pytest.fixture
def owned() -> Instance:
    """Return an association."""
    ends = (("Win32_LogonSession", "41"), ("Win32_Process", "4312"))
    return one("Win32_SessionProcess", ("Antecedent", "Dependent"), ends)


def test_a_property_is_an_item_and_an_attribute_in_any_case(process: Instance) -> None:
    assert process["Name"] == process["name"] == process.Name == process.name == "sshd"
    assert process["CREATIONDATE"] == process.CreationDate == NOW
    assert process.cim_class is schema().get("Win32_Process")


def test_what_is_not_known_is_none_and_what_was_not_requested_is_not_there(process: Instance) -> None:
    assert process.ExecutablePath is None
    with pytest.raises(InvalidPropertyError) as refused:
        process["CommandLine"]
    assert str(refused.value) == "CommandLine was not selected; add it to the selected properties"
    with pytest.raises(AttributeError, match="CommandLine was not selected"):
        _ = process.CommandLine
    assert not hasattr(process, "commandline")


def test_a_property_that_the_class_lacks_is_refused_with_a_hint(process: Instance) -> None:
    with pytest.raises(InvalidPropertyError) as refused:
        process["Nam"]
    assert str(refused.value) == "Win32_Process has no property 'Nam'; did you mean Name?"
    with pytest.raises(AttributeError, match="did you mean Name"):
        _ = process.Nam
    with pytest.raises(InvalidPropertyError):
        process["__NOTHING"]
    assert not hasattr(process, "_repr_pretty_")


def test_a_missing_name_is_a_key_error_of_one_line_and_get_has_a_default(process: Instance) -> None:
    for name in ("CommandLine", "Nam", "__NOTHING", 3):
        with pytest.raises(KeyError) as missing:
            process[name]  # type: ignore[index]  # 3 is what is tested
        assert isinstance(missing.value, InvalidPropertyError)
        assert "\n" not in str(missing.value)
        assert name not in process
    assert process.get("CommandLine") is None
    assert process.get("Nam", "-") == "-"
    assert (process.get("name", "-"), process.get("__class", "-")) == ("sshd", "Win32_Process")
    assert process.get("ExecutablePath", "-") is None


def test_an_instance_is_a_mapping_of_its_properties(process: Instance) -> None:
    assert isinstance(process, Mapping)
    assert dict(process) == {**process} == dict(process.items()) == process.properties()
    assert (len(process), list(process.keys()), "sshd" in process.values()) == (5, list(process), True)
    assert all(name in process for name in ("Handle", "handle", "__PATH"))
    assert "{Name} {handle}".format_map(process) == "sshd 4312"
    with pytest.raises(TypeError):
        process["Name"] = "bash"


def test_a_pattern_matches_names_in_any_case_and_attributes(process: Instance) -> None:
    match process:
        case {"CommandLine": _}:
            pytest.fail("it was not selected")
        case {"handle": handle, "Name": "sshd"}:
            assert handle == "4312"
    match process:
        case Instance(Handle=handle):
            assert handle == "4312"


def test_a_mapping_view_makes_references_text_and_arrays_lists(owned: Instance) -> None:
    assert list(owned.values()) == [owned.Antecedent, owned.Dependent]
    computer = one("Win32_ComputerSystem", ("Name", "Roles"), ("web1", ("Server",)))
    assert dict(computer) == {"Name": "web1", "Roles": ["Server"]}


def test_completion_offers_the_properties(process: Instance) -> None:
    assert process._ipython_key_completions_() == ["Name", "Handle", "CreationDate", "ExecutablePath", "WorkingSetSize"]
    assert {"Handle", "items", "path"} <= set(dir(process))


def test_a_notebook_shows_a_table_in_which_no_text_is_markup() -> None:
    text = "<script>alert(1)</script>&\x1b[31m"
    process = one("Win32_Process", ("Handle", "CommandLine"), ("1", text))
    html = process._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;\\x1b[31m" in html
    assert html.startswith("<table><caption>Win32_Process.Handle=&quot;1&quot;</caption>")


def test_properties_stand_in_the_order_in_which_they_were_requested(process: Instance) -> None:
    assert list(process.properties().items()) == [
        ("Name", "sshd"),
        ("Handle", "4312"),
        ("CreationDate", NOW),
        ("ExecutablePath", None),
        ("WorkingSetSize", 2**40),
    ]
    assert list(process) == list(process.properties())
    assert {"Name", "Handle", "path", "properties"} <= set(dir(process))


def test_a_reference_is_an_object_path_as_text(owned: Instance) -> None:
    assert owned.Antecedent == r'\\.\root\cimv2:Win32_LogonSession.LogonId="41"'
    assert owned["dependent"] == r'\\.\root\cimv2:Win32_Process.Handle="4312"'
    assert owned.properties() == {"Antecedent": owned.Antecedent, "Dependent": owned.Dependent}


def test_a_path_names_the_host_and_the_keys_in_alphabetical_order(process: Instance, owned: Instance) -> None:
    assert process.path == r'\\web1\root\cimv2:Win32_Process.Handle="4312"'
    assert process.relpath == 'Win32_Process.Handle="4312"'
    account = one("Win32_UserAccount", ("Name", "SID", "Domain"), ("alice", None, "web1"))
    assert account.relpath == 'Win32_UserAccount.Domain="web1",Name="alice"'
    assert owned.relpath == (
        r'Win32_SessionProcess.Antecedent="\\\\.\\root\\cimv2:Win32_LogonSession.LogonId=\"41\"",'
        r'Dependent="\\\\.\\root\\cimv2:Win32_Process.Handle=\"4312\""'
    )
    socket = one("LS_Socket", ("Inode",), (17,), LOGONSCOPE)
    assert socket.path == r"\\web1\root\logonscope:LS_Socket.Inode=17"


def test_a_singleton_has_a_path_without_keys() -> None:
    system = one("Win32_OperatingSystem", ("Name",), ("Debian",))
    assert system.path == r"\\web1\root\cimv2:Win32_OperatingSystem=@"


def test_without_its_keys_an_instance_has_no_path() -> None:
    nameless = one("Win32_UserAccount", ("Name",), ("alice",))
    assert (nameless.path, nameless.relpath) == (None, None)
    assert (nameless["__PATH"], nameless["__RELPATH"]) == (None, None)
    assert repr(nameless) == "<Instance Win32_UserAccount Name='alice'>"


@pytest.mark.parametrize("class_name", ["Win32_ProcessStartTrace", "__InstanceCreationEvent", "Win32_ProcessStartup"])
def test_an_event_and_an_embedded_object_have_no_path(class_name: str) -> None:
    name = next(iter(schema().get(class_name).properties.values())).name
    event = one(class_name, (name,), (None,))
    assert (event.path, event.relpath) == (None, None)
    assert (event["__PATH"], event["__RELPATH"]) == (None, None)


def test_a_key_that_is_not_known_makes_no_path() -> None:
    unknown = one("Win32_UserAccount", ("Domain", "Name"), (None, "alice"))
    assert (unknown.path, unknown.relpath) == (None, None)


def test_the_system_properties_are_those_of_wmi_in_its_order(owned: Instance) -> None:
    assert list(owned.system_properties().items()) == [
        ("__GENUS", 2),
        ("__CLASS", "Win32_SessionProcess"),
        ("__SUPERCLASS", "Win32_SessionResource"),
        ("__DYNASTY", "CIM_Dependency"),
        ("__RELPATH", owned.relpath),
        ("__PROPERTY_COUNT", 2),
        ("__DERIVATION", ["Win32_SessionResource", "CIM_Dependency"]),
        ("__SERVER", "web1"),
        ("__NAMESPACE", r"root\cimv2"),
        ("__PATH", owned.path),
    ]
    assert tuple(owned.system_properties()) == SYSTEM_PROPERTIES


def test_a_system_property_is_an_item_in_any_case_and_none_of_the_properties(process: Instance) -> None:
    assert process["__class"] == process["__CLASS"] == "Win32_Process"
    assert process["__PROPERTY_COUNT"] == 5
    assert "__CLASS" not in process.properties()


def test_an_array_is_a_list_and_an_octet_string_is_bytes() -> None:
    owner = one("Win32_ComputerSystem", ("Name", "Roles"), ("web1", ("LM_Workstation", "Server")))
    assert owner.Roles == ["LM_Workstation", "Server"]
    trace = one("Win32_ProcessTrace", ("Sid",), (b"\x01\x05",))
    assert trace.Sid == b"\x01\x05"


def test_two_instances_are_equal_where_class_and_properties_are() -> None:
    columns, row = ("Handle", "Name"), ("1", "init")
    instance = one("Win32_Process", columns, row)
    assert instance == one("Win32_Process", columns, row)
    assert instance != one("Win32_Process", columns, ("1", "systemd"))
    assert instance != one("Win32_Process", ("Handle",), ("1",))
    assert instance != one("LS_Process", columns, row, LOGONSCOPE)
    assert instance != {"Handle": "1", "Name": "init"}


columns = st.permutations(["Handle", "Name", "ParentProcessId", "CommandLine"])


@given(columns, columns)
def test_instances_that_are_equal_have_one_hash(order: list[str], other: list[str]) -> None:
    values: dict[str, Value] = {"Handle": "1", "Name": "init", "ParentProcessId": 0, "CommandLine": None}
    first, second = (one("Win32_Process", names, [values[name] for name in names]) for names in (order, other))
    assert first == second
    assert len({first, second}) == 1


def test_instances_are_equal_whichever_schema_their_class_came_from() -> None:
    result = ClassRows(schema().copy().get("Win32_Process"), ("Handle",), iter([("1",)]))
    (copied,), process = instances_of(result, "web1"), one("Win32_Process", ("Handle",), ("1",))
    assert copied == process
    assert {copied, process} == {process}
    assert Instance(process._shape._replace(server="web2"), process._row) != process  # noqa: SLF001 -- elsewhere


def test_an_instance_shows_its_path(process: Instance) -> None:
    assert repr(process) == '<Instance Win32_Process.Handle="4312">'


def test_an_association_shows_its_ends(owned: Instance) -> None:
    ends = "Antecedent=Win32_LogonSession='41', Dependent=Win32_Process='4312'"
    assert repr(owned) == f"<Instance Win32_SessionProcess {ends}>"


@pytest.mark.parametrize("name", ["CommandLine", "CommandLineBytes", "Arguments", "ParentCommandLine"])
def test_no_command_line_of_any_class_is_in_a_repr(name: str) -> None:
    class_ = schema().get("LS_Process", LOGONSCOPE)
    value = ("-psecret",) if name == "Arguments" else "-psecret"
    (process,) = instances_of(ClassRows(class_, (name,), iter([(value,)])), "web1")
    assert class_.property_named(name)
    assert "secret" not in repr(process)


def test_without_a_path_an_instance_shows_values_but_no_command_line() -> None:
    columns = ("CommandLine", "Name", "ExecutablePath", "Caption")
    process = one("Win32_Process", columns, ("mysql -psecret", "a\nb" + "c" * 60, None, "x"))
    assert repr(process) == f"<Instance Win32_Process Name='a\\nb{'c' * 37}'..., Caption='x'>"
    nothing = one("Win32_Process", ("CommandLine",), ("mysql -psecret",))
    assert repr(nothing) == "<Instance Win32_Process>"
    handle = one("Win32_Process", ("Handle",), ("1\x1b[31m",))
    assert repr(handle) == '<Instance Win32_Process.Handle="1\\x1b[31m">'


def test_an_instance_survives_being_pickled_and_copied(process: Instance, owned: Instance) -> None:
    for instance in (process, owned):
        for again in (pickle.loads(pickle.dumps(instance)), copy.copy(instance), copy.deepcopy(instance)):  # noqa: S301 -- our own
            assert again == instance
            assert hash(again) == hash(instance)
            assert again.cim_class is instance.cim_class
    rows = [process] * 1000
    assert len(pickle.dumps(rows)) < 20_000


def test_an_instance_of_a_class_that_another_machine_declared_survives_too() -> None:
    space = schema().copy()
    space.add(Declaration("Win32_Share", CIMV2, "CIM_LogicalElement", (), (), ()), CIMV2)
    cls = space.add(Declaration("Win32_OwnService", CIMV2, "Win32_Share", (), (), ()), CIMV2)
    service = next(instances_of(ClassRows(cls, ("Name",), iter([("ssh",)])), "web1"))
    for again in (pickle.loads(pickle.dumps(service)), copy.deepcopy(service)):  # noqa: S301 -- our own
        assert again == service
        assert again.cim_class.derivation == cls.derivation


def test_the_rows_of_several_classes_come_one_by_one_as_they_are_read() -> None:
    read = []

    def rows() -> Iterator[tuple[Value, ...]]:
        for handle in ("1", "2"):
            read.append(handle)
            yield (handle,)

    cls, socket = schema().get("Win32_Process"), schema().get("LS_Socket", LOGONSCOPE)
    results = [ClassRows(cls, ("Handle",), rows()), ClassRows(socket, ("Inode",), iter([(17,)]))]
    found = iterate_instances(results, "web1")
    first = next(found)
    assert isinstance(first, Instance)
    assert first.Handle == "1"
    assert read == ["1"]
    paths = [instance.relpath for instance in found if isinstance(instance, Instance)]
    assert paths == ['Win32_Process.Handle="2"', "LS_Socket.Inode=17"]


def test_classes_among_the_results_come_as_they_are() -> None:
    cls = schema().get("Win32_Process")
    found = list(iterate_instances([cls, ClassRows(cls, ("Handle",), iter([("1",)])), cls], "web1"))
    assert found == [cls, one("Win32_Process", ("Handle",), ("1",)), cls]


def test_a_method_returns_a_value_and_what_is_out() -> None:
    assert Outcome(2) == (2, {})
    assert Outcome(0, {"User": "alice"}).parameters == {"User": "alice"}
    assert len({Outcome(0, {"User": "alice"}), Outcome(0, {"User": "alice"}), Outcome(0)}) == 2
