"""answers/host_event.py: events without secrets in their repr."""

from logonscope.answers.host_event import EVENT_NAMES, LOGON_EVENTS, PROCESS_EVENTS, HostEvent


def test_the_groups_of_names_are_names() -> None:
    assert LOGON_EVENTS | PROCESS_EVENTS < EVENT_NAMES
    assert not LOGON_EVENTS & PROCESS_EVENTS


def test_a_repr_names_what_happened() -> None:
    assert repr(HostEvent("Lost", None, None, missed=3)) == "HostEvent(Lost, 3 events were lost)"
    assert repr(HostEvent("Lost", None, None, missed=1)) == "HostEvent(Lost, 1 event was lost)"
    assert repr(HostEvent("Lost", None, None)) == "HostEvent(Lost, an unknown number of events were lost)"
