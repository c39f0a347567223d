"""Tests of wmi/errors.py: every error has the class, the number and the text that scripts look for."""

import pickle
from typing import Any

import pytest

from logonscope import AccessDeniedError, InvalidQueryError, wmi
from tests.wmi.scripts import ExampleHost, raises


def test_rights_and_timeouts_have_errors_of_their_own(example_host: ExampleHost) -> None:
    with raises(wmi.x_wmi_timed_out, "it took too long", 0x80041069):
        wmi.WMI(host=example_host.connect_slowly()).Win32_Process()
    with pytest.raises(wmi.x_access_denied) as caught:
        wmi.WMI(host=example_host.connect_as_nobody())
    assert isinstance(caught.value.__cause__, AccessDeniedError)


def test_an_error_prints_what_to_do_and_its_number(c: Any) -> None:
    with pytest.raises(wmi.x_wmi_invalid_query) as caught:
        c.Win32_Process(Nam="sshd")
    assert isinstance(caught.value.__cause__, InvalidQueryError)
    assert str(caught.value).endswith("did you mean Name? (WBEM_E_INVALID_QUERY 0x80041017)>")
    assert str(wmi.x_wmi("why")) == "<x_wmi: why>"


def test_an_error_can_be_sent_to_another_process(c: Any) -> None:
    with pytest.raises(wmi.x_wmi_invalid_query) as caught:
        c.query("SELEKT")
    received = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own
    assert (type(received), str(received)) == (wmi.x_wmi_invalid_query, str(caught.value))


def test_every_error_is_an_x_wmi() -> None:
    errors = (wmi.x_access_denied, wmi.x_wmi_authentication, wmi.x_wmi_no_namespace, wmi.x_wmi_uninitialised_thread)
    assert all(issubclass(error, wmi.x_wmi) for error in errors)


def test_writing_is_not_supported_nor_are_events_of_a_recorded_host(c: Any) -> None:
    p = c.get("Win32_Process=1")
    with raises(wmi.x_wmi, "events are not supported by memory", 0x8004100C):
        c.Win32_Process.watch_for(notification_type="Creation", delay_secs=2)
    for write in (p.put, c.Win32_Process.new, c.new, lambda: p.set(Name="x"), lambda: setattr(p, "name", "x")):
        with raises(wmi.x_wmi, "instances are read-only and cannot be created", 0x8004100C):
            write()


def test_a_number_is_written_in_hex() -> None:
    assert f"{wmi.signed_to_unsigned(-2147023174):08X}" == "800706BA"
