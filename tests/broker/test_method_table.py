"""Tests of broker/method_table.py: every supported method exists, and is marked if it acts."""

from logonscope.broker.invoke import SUPPORTED_METHODS
from logonscope.broker.method_table import SupportedMethod
from logonscope.cim.schema import schema


def test_every_row_is_a_method_that_its_class_declares() -> None:
    for name, row in SUPPORTED_METHODS.items():
        class_name, _, method = name.partition(".")
        assert schema().get(class_name).method_named(method).origin == class_name
        assert isinstance(row, SupportedMethod)


def test_only_these_methods_change_nothing() -> None:
    reading = {name for name, row in SUPPORTED_METHODS.items() if not row.acts}
    assert reading == {
        "Win32_Process.GetOwner", "Win32_Process.GetOwnerSid", "Win32_BaseService.InterrogateService",
    }  # fmt: skip
