"""Tests of providers/namespace.py: clients find the namespaces of the classes."""

import pytest

from logonscope.errors import InvalidNamespaceError, NotFoundError
from tests.hosts import user
from tests.providers.asked import values, web1


def test_the_root_has_the_namespaces_of_the_schema() -> None:
    for caller in (user(0), user(1001)):
        found = list(web1(caller).enumerate("__NAMESPACE", namespace="root"))
        assert values(found, "Name", "__PATH") == [
            ("cimv2", r'\\web1\root:__NAMESPACE.Name="cimv2"'),
            ("logonscope", r'\\web1\root:__NAMESPACE.Name="logonscope"'),
        ]


@pytest.mark.parametrize("namespace", ["root\\cimv2", "ROOT/LOGONSCOPE"])
def test_below_them_is_none(namespace: str) -> None:
    assert list(web1().enumerate("__NAMESPACE", namespace=namespace)) == []


def test_one_is_found_by_its_name_in_any_case() -> None:
    assert web1().get('root:__Namespace.Name="CIMV2"').Name == "cimv2"
    for path in ('root:__NAMESPACE.Name="default"', 'root\\cimv2:__NAMESPACE.Name="cimv2"'):
        with pytest.raises(NotFoundError):
            web1().get(path)
    with pytest.raises(InvalidNamespaceError):
        next(web1().enumerate("__NAMESPACE", namespace="root\\default"))
