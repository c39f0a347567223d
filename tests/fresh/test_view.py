"""Tests of tests/fresh/view.py: pip in a view reaches the same index as on this machine."""

from tests.fresh.view import pip_settings

LISTED = """\
:env:.cert='/etc/ssl/mirror.crt'
global.cert='/etc/ssl/other.crt'
global.extra-index-url='file:///opt/simple'
global.index-url='https://pypi.example/simple'
install.no-warn-script-location='true'
"""


def test_what_says_where_the_index_is_is_taken_over_and_nothing_else() -> None:
    assert pip_settings(LISTED) == {
        "PIP_CERT": "/etc/ssl/mirror.crt",
        "PIP_INDEX_URL": "https://pypi.example/simple",
    }


def test_an_empty_list_prints_nothing() -> None:
    assert pip_settings("") == {}
