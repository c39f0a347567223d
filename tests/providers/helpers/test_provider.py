"""Tests of providers/helpers/provider.py: rows made from tables, and the rules that every table must follow."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from logonscope import Host
from logonscope.broker.instances import enumerate_instances
from logonscope.cim.classes import Class, Property
from logonscope.cim.schema import schema
from logonscope.cim.types import TYPES, Value
from logonscope.facts import ALL_FACTS, Process
from logonscope.machine import EVERYTHING, OWNER_FACT, Selection
from logonscope.machine.snapshot import Snapshot
from logonscope.providers.helpers.host import HARDWARE, LOGINS, PLATFORM, PROCESSES, SESSIONS, VITALS
from logonscope.providers.helpers.profile_item import HISTORY, LOADED
from logonscope.providers.helpers.provider import (
    ADDRESS,
    ALWAYS_NULL_PREFIX,
    AUTHENTICATION,
    COMMAND_LINES,
    COUNTS,
    NAMED_SERVICES,
    ORIGIN,
    PASSWORDS,
    Provider,
    always_null,
    column,
    constant,
    fact_column,
)
from logonscope.providers.helpers.registry import find_provider
from logonscope.providers.helpers.text import clean
from logonscope.providers.helpers.usage import USAGE_FACTS
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, user
from tests.providers.asked import CONTEXT, SNAPSHOT, fixed, rough, web1
from tests.sources.snapshots import snapshots

ITEMS = [("one", 1), ("two", 2), ("none", -1), ("two", 22)]
TABLE = Provider(
    subject="process",
    columns={
        "Word": column(lambda word, *_: word, "the word", "comm"),
        "Twice": column(lambda _, number, __: 2 * number, "the number", "nice", "priority"),
        "Host": column(lambda _, __, context: context.machine.hostname, "the context"),
        "Same": constant("the same"),
        "Never": always_null("nobody counts it"),
    },
    is_instance=lambda _, number, __: number > 0,
    instance_facts=frozenset({"ses"}),
    selections={
        "Word": lambda word, _: Selection(process_names=frozenset({word})),
        "Twice": lambda number, fixed: Selection(pids=frozenset({number, len(fixed)})),
        "Half": lambda number, _: Selection(pids=frozenset({number})),
    },
)
"""A table of pairs of a word and a number."""


def rows(table: Provider, *columns: str) -> list[tuple[Value, ...]]:
    """Return the rows that a provider makes of ITEMS."""
    return list(table.rows(ITEMS, CONTEXT, columns))


# The engine


def test_a_row_has_the_columns_that_are_requested_in_that_order() -> None:
    assert rows(TABLE, "Twice", "Word") == [(2, "one"), (4, "two"), (44, "two")]
    assert rows(TABLE, "Host", "Same") == [("web1", "the same")] * 3
    assert rows(TABLE) == [()] * 3


def test_a_property_is_null_without_a_column_and_if_its_column_is_always_null() -> None:
    assert rows(TABLE, "Never", "Unheard", "Word")[0] == (None, None, "one")
    assert TABLE.columns["Never"].source == f"{ALWAYS_NULL_PREFIX}nobody counts it"


def test_of_items_with_the_same_distinct_key_the_first_instance_makes_the_row() -> None:
    assert rows(TABLE._replace(distinct_key=lambda word, *_: word), "Twice") == [(2,), (4,)]
    backwards = list(TABLE._replace(distinct_key=lambda *_: 1).rows([("none", -1), *ITEMS], CONTEXT, ["Word"]))
    assert backwards == [("one",)]


def test_rows_are_made_while_they_are_iterated() -> None:
    def items() -> Iterator[tuple[str, int]]:
        yield "one", 1
        pytest.fail("the second item was read")

    assert next(TABLE.rows(items(), CONTEXT, ["Word"])) == ("one",)


def test_rows_need_the_facts_of_their_columns_and_of_the_test_for_instances() -> None:
    assert TABLE.facts_of_rows([]) == {"ses"}
    assert TABLE.facts_of_rows(["Twice", "Same", "Never", "Unheard"]) == {"ses", "nice", "priority"}


def test_fixed_properties_are_selected_together_and_those_without_a_selection_are_ignored() -> None:
    assert TABLE.selection({}) == TABLE.selection(fixed(Host="web1", Unheard=3)) == EVERYTHING
    assert TABLE.selection(fixed(Word="one", Half=7)) == Selection(
        pids=frozenset({7}), process_names=frozenset({"one"})
    )
    assert TABLE.selection(fixed(Twice=7, Half=7)) == Selection(pids=frozenset({7}))
    assert TABLE.selection(fixed(Twice=7, Half=8)) == Selection(pids=frozenset())


def test_each_of_several_values_is_selected() -> None:
    assert TABLE.selection({"Half": frozenset({7, 8})}) == Selection(pids=frozenset({7, 8}))
    assert TABLE.selection(fixed(Half=7) | {"Word": frozenset({"one", "two"})}) == Selection(
        pids=frozenset({7}), process_names=frozenset({"one", "two"})
    )


def test_a_selection_function_gets_all_fixed_properties() -> None:
    assert TABLE.selection(fixed(Twice=7, Same="x", Host="web1")) == Selection(pids=frozenset({7, 3}))


CLASSES = list({known.name: known for space in schema().namespaces for known in schema().classes(space)}.values())
SERVED = [(cls, found) for cls in CLASSES if (found := find_provider(cls)) is not None]


# Rules for the table of every class


@pytest.fixture(params=SERVED, ids=[cls.name for cls, _ in SERVED])
def served(request: pytest.FixtureRequest) -> tuple[Class, Provider]:
    """Return each class with a provider, with its provider."""
    found: tuple[Class, Provider] = request.param
    return found


def test_every_column_and_every_selection_is_a_property(served: tuple[Class, Provider]) -> None:
    cls, provider = served
    extra = {*provider.columns, *provider.selections} - {declared.name for declared in cls.properties.values()}
    assert extra == set(), f"{cls.name}.mof does not declare these properties"


def test_every_property_has_a_column_but_for_windows_setup_of_the_machine(served: tuple[Class, Provider]) -> None:
    """Two classes of the machine have properties of Windows' firmware, licences and setup: without a column, null."""
    cls, provider = served
    if cls.name not in {"Win32_ComputerSystem", "Win32_OperatingSystem"}:
        missing = {declared.name for declared in cls.properties.values()} - set(provider.columns)
        assert missing == set(), 'the provider needs columns for them, such as always_null("Linux has no ...")'


def test_every_column_has_the_source_of_its_values(served: tuple[Class, Provider]) -> None:
    without_source = [name for name, shown in served[1].columns.items() if not shown.source.strip()]
    assert without_source == [], "the reference page shows the source: the second argument of column()"


PROCESS_FACTS = ALL_FACTS | {OWNER_FACT}
MACHINE_FACTS = {PLATFORM, VITALS, HARDWARE, PROCESSES, SESSIONS, LOGINS}
FACTS_OF_SUBJECT: dict[str, set[str] | frozenset[str]] = {
    "process": PROCESS_FACTS, "socket": PROCESS_FACTS, "mapped file": PROCESS_FACTS,
    "machine": MACHINE_FACTS, "processor": MACHINE_FACTS,
    "logon session": USAGE_FACTS | {COUNTS, ADDRESS, ORIGIN, AUTHENTICATION},
    "desktop": {ADDRESS, ORIGIN, AUTHENTICATION}, "user": {PASSWORDS}, "membership": {PASSWORDS},
    "process record": {COMMAND_LINES}, "change record": {COMMAND_LINES}, "change of process": {COMMAND_LINES},
    "present process record": PROCESS_FACTS | {COMMAND_LINES},
    "service": {NAMED_SERVICES}, "profile": {HISTORY, LOADED},
}  # fmt: skip
"""The facts and pseudo-facts that the columns of a subject may name, as docs/adding-a-class.md lists them."""


def test_columns_name_only_facts_of_their_subject(served: tuple[Class, Provider]) -> None:
    _, provider = served
    unknown = provider.facts_of_rows(provider.columns) - FACTS_OF_SUBJECT.get(provider.subject, set())
    assert unknown == set(), f"the subject {provider.subject!r} has no such facts (FACTS_OF_SUBJECT)"


UNNARROWED = {
    "Win32_ComputerSystem.Name": "there is one",
    "Win32_SystemOperatingSystem.GroupComponent": "there is one",
    "Win32_SystemOperatingSystem.PartComponent": "there is one",
    "Win32_SystemProcesses.GroupComponent": "the one computer: every process",
    "Win32_SystemServices.GroupComponent": "the one computer: every service",
    "Win32_SystemUsers.GroupComponent": "the one computer: every user account",
    "CIM_ProcessExecutable.Antecedent": "the memory of every process has to be read to find those with a file",
    "CIM_DataFile.Name": "the same",
    "Win32_BIOS.Name": "there is one",
    "Win32_BIOS.SoftwareElementID": "there is one",
    "Win32_BIOS.SoftwareElementState": "there is one",
    "Win32_BIOS.TargetOperatingSystem": "there is one",
    "Win32_BIOS.Version": "there is one",
    "Win32_Processor.DeviceID": "all packages are read together",
    "Win32_TimeZone.StandardName": "there is one",
    "Win32_ComputerSystemProcessor.GroupComponent": "there is one",
    "Win32_ComputerSystemProcessor.PartComponent": "all packages are read together",
    "Win32_SystemBIOS.GroupComponent": "there is one",
    "Win32_SystemBIOS.PartComponent": "there is one",
    "Win32_SystemTimeZone.Element": "there is one",
    "Win32_SystemTimeZone.Setting": "there is one",
    "Win32_SID.SID": "accounts are listed by name",
    "Win32_UserProfile.SID": "the same",
    "Win32_AccountSID.Setting": "the same",
    "Win32_Group.Domain": "Name looks at it",
    "Win32_SystemAccount.Domain": "Name looks at it",
    "Win32_UserAccount.Domain": "Name looks at it",
    "__NAMESPACE.Name": "there are three",
    "LS_ServiceProcess.Antecedent": "the cgroup of every process has to be read to find those of a service",
    "LS_UnitLogon.Antecedent": "the journal has to be read to find what a logon session asked for",
    "LS_SubSession.Antecedent": "every process has to be read to know which is the first of its logon session",
    "LS_SubSession.Dependent": "the same",
    "LS_SessionUserManager.Antecedent": "every logon session has to be known to pair them",
    "LS_SessionUserManager.Dependent": "the same",
}
"""Keys without a selection, because their value cannot limit what is read, each with the reason."""


def test_every_key_has_a_selection_or_a_reason_why_not() -> None:
    keys = {f"{cls.name}.{key}" for cls, provider in SERVED for key in cls.keys if key not in provider.selections}
    assert keys - set(UNNARROWED) == set(), "add them to the provider's selections, or to UNNARROWED with the reason"
    assert set(UNNARROWED) - keys == set(), "these have a selection now: remove them from UNNARROWED"


def test_every_reference_of_an_association_declares_its_end(served: tuple[Class, Provider]) -> None:
    cls, provider = served
    references = {of.name: of.reference or "" for of in cls.properties.values() if of.type == "reference"}
    assert set(provider.ends) == set(references)
    assert bool(references) == cls.is_association
    for name, end in provider.ends.items():
        below = [find_provider(found) for found in schema().class_with_subclasses(references[name], cls.namespace)]
        assert end.subject in {found.subject for found in below if found}


# Rules for every value


def fits(of: Property, value: Any) -> bool:
    """Return whether a value is of the property's type: its range, and text that every answer can carry."""
    if value is None:
        return True
    if of.array and of.type == "uint8":
        return type(value) is bytes
    if of.array:
        return type(value) is tuple and all(fits(of._replace(array=False), part) for part in value)
    cim_type = TYPES[of.type]
    if cim_type.is_integer:
        return type(value) is int and cim_type.low <= value <= cim_type.high
    if of.type == "datetime":
        return type(value) is datetime and value.tzinfo is not None
    if of.type == "reference":
        cls = next(known for known in CLASSES if known.name == value[0])
        keys = [cls.property_named(key) for key in cls.keys]
        return cls.is_a(of.reference or "") and all(map(fits, keys, value[1:])) and len(keys) == len(value) - 1
    if of.type == "boolean":
        return type(value) is bool
    return of.type == "string" and type(value) is str and value == clean(value)


def misfits(snapshot: Snapshot) -> list[str]:
    """Return every property of every class that has a value which is not of its type."""
    found: dict[str, None] = {}
    for cls, _ in SERVED:
        for caller in (ROOT, user(1000)):
            request = Memory(snapshot).request(caller)
            for result in enumerate_instances(request, cls.name, namespace=cls.namespace, deep=False):
                properties = [cls.property_named(name) for name in result.columns]
                for row in result.rows:
                    wrong = (of for of, value in zip(properties, row, strict=True) if not fits(of, value))
                    found.update({f"{cls.name}.{of.name}": None for of in wrong})
    return list(found)


def test_every_value_is_of_its_type_on_the_example_host() -> None:
    assert misfits(SNAPSHOT) == []
    assert misfits(SNAPSHOT._replace(machine=SNAPSHOT.machine._replace(platform=None, vitals=None))) == []


# no shrinking: the failure names the properties, and a smaller host would show no more
@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(snapshots)
def test_every_value_is_of_its_type_or_null_on_any_host(snapshot: Snapshot) -> None:
    assert misfits(snapshot) == []


PLACES = {"id", "scope", "cgroup", "cls", "type", "boot_id"}


def hostile(row: Any) -> Any:
    """Return a row of facts in which every text, except those in PLACES, has characters that no protocol can carry."""
    text = {name: "\x1b[2J\udcff" for name, value in row._asdict().items() if type(value) is str and name not in PLACES}
    return row._replace(**text)


def test_no_text_has_characters_that_a_protocol_cannot_carry() -> None:
    platform = hostile(SNAPSHOT.machine.platform)
    snapshot = SNAPSHOT._replace(
        machine=hostile(SNAPSHOT.machine)._replace(platform=platform),
        processes=[hostile(found)._replace(unread={"io": "\x1b"}) for found in SNAPSHOT.processes],
        logins=tuple(map(hostile, SNAPSHOT.logins)), sockets=tuple(map(hostile, SNAPSHOT.sockets)),
        users=tuple(map(hostile, SNAPSHOT.users)), groups=tuple(map(hostile, SNAPSHOT.groups)),
    )  # fmt: skip
    assert misfits(snapshot) == []


def test_a_property_that_is_requested_alone_has_the_same_value(served: tuple[Class, Provider]) -> None:
    cls, provider = served
    request = Memory(SNAPSHOT).request(ROOT)

    def asked(*names: str) -> list[tuple[Value, ...]]:
        (result,) = enumerate_instances(request, cls.name, names, cls.namespace, deep=False)
        return list(result.rows)

    whole = asked(*provider.columns)
    alone = {name: [row[at] for row in whole] for at, name in enumerate(provider.columns)}
    assert {name: [row[0] for row in asked(name)] for name in provider.columns} == alone


# Rules for every instance


def instances(host: Host) -> Iterator[Any]:
    """Yield every instance of a host."""
    for space in schema().namespaces:
        for cls in schema().classes(space):
            if find_provider(cls):
                yield from host.enumerate(cls.name, namespace=space, deep=False)


@pytest.fixture(params=["web1", "rough"])
def asked(request: pytest.FixtureRequest, host: HostFolder) -> Host:
    """Return the example host, and one with difficult processes."""
    return web1() if request.param == "web1" else rough(host)


def lasting(instance: Any) -> dict[str, Any]:
    """Return the properties of an instance that do not change while the test runs."""
    return {name: value for name, value in instance.properties().items() if name != "LocalDateTime"}


def test_every_instance_is_found_by_its_path(asked: Host) -> None:
    lost = [found.path for found in instances(asked) if lasting(asked.get(found.path)) != lasting(found)]
    assert lost == []


def test_no_two_instances_have_one_path(asked: Host) -> None:
    paths = [found.path for found in instances(asked)]
    assert len(paths) > 40
    assert [path for path in set(paths) if paths.count(path) > 1] == []


def test_from_either_end_of_an_association_the_other_is_found(asked: Host) -> None:
    for found in instances(asked):
        if not found.cim_class.is_association:
            continue
        name, space = found.cim_class.name, found.cim_class.namespace
        roles = [role for role, value in found.properties().items() if re.match(r"\\\\[^\\]+\\root", str(value))]
        near, far = (asked.get(found[role], namespace=space)["__PATH"] for role in roles)
        for one, other in ((near, far), (far, near)):
            assert other in [end.path for end in asked.associators(one, assoc_class=name, namespace=space)]
            assert found.path in [tie.path for tie in asked.references(one, result_class=name, namespace=space)]


def test_a_fact_that_is_a_text_is_cleaned_and_any_other_is_returned_as_it_is() -> None:
    table = Provider("process", {"Name": fact_column("name", "comm"), "Parent": fact_column("ppid", "stat: ppid")})
    process = Process(7, name="\x1b[31mred", ppid=1)
    assert list(table.rows([(process, None)], CONTEXT, ["Name", "Parent"])) == [("\ufffd[31mred", 1)]
