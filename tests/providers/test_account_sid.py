"""Tests of providers/account_sid.py: each account is associated with its SID, in both directions."""

from tests.providers.asked import everything, values, web1


def test_from_an_account_its_sid_is_found_and_back() -> None:
    account = 'Win32_UserAccount.Domain="web1",Name="alice"'
    assert values(web1().associators(account, assoc_class="Win32_AccountSID"), "SID") == ["S-1-22-1-1000"]
    back = web1().associators('Win32_SID="S-1-22-1-110"', assoc_class="Win32_AccountSID")
    assert values(back, "Name") == ["postgres"]


def test_every_user_has_one() -> None:
    assert len(everything(web1(), "Win32_AccountSID", "Setting")) == 6
