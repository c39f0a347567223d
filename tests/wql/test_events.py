"""Tests of wql/events.py: a valid event query is parsed, and each invalid one rejected with its documented error."""

import pytest

from logonscope.cim.binding import is_own_name
from logonscope.cim.schema import CIMV2, schema
from logonscope.errors import (
    AggregatingByObjectError,
    InvalidClassError,
    InvalidParameterError,
    InvalidQueryError,
    LogonscopeError,
    NotEventClassError,
    PropertyNotAnObjectError,
    RegistrationTooBroadError,
    RegistrationTooPreciseError,
    TypeMismatchError,
)
from logonscope.wql.bind import CLASS, NUMBER, TEXT
from logonscope.wql.condition import Every, Term
from logonscope.wql.events import EventQuery, Grouping, bind_events
from logonscope.wql.parse import parse
from logonscope.wql.tree import Select

OF_SESSIONS = "SELECT * FROM __InstanceCreationEvent WITHIN 5 WHERE TargetInstance ISA 'Win32_LogonSession'"
ISA_SESSION = Term("TargetInstance", "ISA", "Win32_LogonSession", CLASS)


def events(text: str) -> EventQuery:
    select = parse(text)
    assert isinstance(select, Select)
    return bind_events(select, schema().get(select.class_name, CIMV2), text, is_own_name)


def test_the_commonest_logon_trigger() -> None:
    text = OF_SESSIONS.replace("5", "15") + " AND TargetInstance.LogonType = '2'"
    assert events(text) == EventQuery(
        schema().get("__InstanceCreationEvent", CIMV2),
        None,
        (schema().get("Win32_LogonSession", CIMV2),),
        15.0,
        Every((ISA_SESSION, Term("TargetInstance.LogonType", "=", 2, NUMBER))),
        None,
    )


def test_events_that_a_provider_reports_need_no_interval() -> None:
    found = events("SELECT ProcessID, ProcessName FROM Win32_ProcessStartTrace WHERE processname = 'sshd'")
    assert (found.columns, found.polling_seconds, found.target_classes) == (("ProcessID", "ProcessName"), None, ())
    assert found.condition == Term("ProcessName", "=", "sshd", TEXT)


def test_events_are_grouped_by_properties_of_their_objects() -> None:
    found = events(f"{OF_SESSIONS} GROUP WITHIN 60 BY TargetInstance.LogonType, __CLASS HAVING NumberOfEvents >= 3")
    having = Term("NumberOfEvents", ">=", 3, NUMBER)
    assert found.grouping == Grouping(60, ("TargetInstance.LogonType", "__CLASS"), having)


def test_an_embedded_object_is_returned_whole() -> None:
    assert events(OF_SESSIONS.replace("*", "TargetInstance.LogonId")).columns == ("TargetInstance",)


def test_the_class_of_the_object_may_stand_anywhere_where_it_always_has_to_hold() -> None:
    swapped = OF_SESSIONS.replace("WHERE", "WHERE (TargetInstance.LogonType = 2 AND (TIME_CREATED > 0)) AND")
    assert events(swapped).target_classes == events(OF_SESSIONS).target_classes
    with pytest.raises(RegistrationTooBroadError):
        events(f"{OF_SESSIONS} OR TIME_CREATED > 0")


def test_the_object_may_be_of_one_of_several_classes() -> None:
    both = f"{OF_SESSIONS} OR TargetInstance ISA 'Win32_Process'"
    assert [cls.name for cls in events(both).target_classes] == ["Win32_LogonSession", "Win32_Process"]
    parts = both.replace("WHERE ", "WHERE (").replace(" OR", " AND TargetInstance.LogonId = '1') OR")
    with pytest.raises(InvalidQueryError, match="Win32_Process has no property 'LogonId'"):
        events(parts)
    shared = f"{both.replace('WHERE ', 'WHERE (')}) AND TargetInstance.Caption = 'x'"
    assert isinstance(events(shared).condition, Every)
    twice = f"{OF_SESSIONS} OR TargetInstance ISA 'win32_logonsession'"
    assert events(twice).target_classes == events(OF_SESSIONS).target_classes
    of_two_types = both.replace("Win32_LogonSession", "Win32_MappedLogicalDisk").replace("WHERE ", "WHERE (")
    with pytest.raises(InvalidQueryError, match="has different types in Win32_MappedLogicalDisk, Win32_Process"):
        events(f"{of_two_types}) AND TargetInstance.SessionId = 1")
    with pytest.raises(InvalidClassError, match="no class 'Win32_Share', at line 1, column 116"):
        events(f"{OF_SESSIONS} OR TargetInstance ISA 'Win32_Share'")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("SELECT * FROM Win32_Process WITHIN 5", NotEventClassError, "line 1, column 15"),
        (
            "SELECT * FROM __InstanceCreationEvent WITHIN 5",
            RegistrationTooBroadError,
            "needs a condition on the class of TargetInstance",
        ),
        (OF_SESSIONS.replace("WITHIN 5", ""), RegistrationTooPreciseError, "WITHIN 5"),
        (OF_SESSIONS.replace("WITHIN 5", "WITHIN -1"), InvalidParameterError, "must be greater than 0"),
        (
            OF_SESSIONS.replace("LogonSession", "LogonSesion"),
            InvalidClassError,
            "at line 1, column 73; did you mean Win32_LogonSession?",
        ),
        (f"{OF_SESSIONS} AND TargetInstance.LogonTyp = 2", InvalidQueryError, "did you mean LogonType?"),
        (f"{OF_SESSIONS} AND TargetInstance.LogonType = 'x'", TypeMismatchError, "give a number"),
        (f"{OF_SESSIONS} AND TargetInstance = 'x'", InvalidQueryError, "is an object"),
        (f"{OF_SESSIONS} AND TargetInstance.LogonType.x = 2", PropertyNotAnObjectError, "LogonType is not an object"),
        (f"{OF_SESSIONS} AND Something = 2", InvalidQueryError, "no property 'Something'"),
        ("SELECT Foo FROM Win32_ProcessStopTrace", InvalidQueryError, "no property 'Foo'"),
        ("SELECT ProcessID.x FROM Win32_ProcessStopTrace", PropertyNotAnObjectError, "is not an object"),
        (f"{OF_SESSIONS} GROUP WITHIN 5 BY TargetInstance", AggregatingByObjectError, "name a property of it"),
        (f"{OF_SESSIONS} GROUP WITHIN 5 BY Nothing", InvalidQueryError, "no property 'Nothing'"),
        (f"{OF_SESSIONS} GROUP WITHIN 5 HAVING Events > 1", InvalidQueryError, "HAVING supports only NumberOfEvents"),
    ],
)
def test_what_is_unsound_is_refused_by_its_documented_error(
    text: str, error: type[LogonscopeError], words: str
) -> None:
    with pytest.raises(error) as refused:
        events(text)
    assert words in str(refused.value)
