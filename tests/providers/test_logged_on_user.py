"""Tests of providers/logged_on_user.py: the account of each logon session, by any spelling of its name."""

import pytest

from logonscope.errors import NotFoundError
from tests.hosts import HostFolder
from tests.providers.asked import SNAPSHOT, answers, at, everything, pair, values, web1


def account(name: str, domain: str = "web1", of: str = "Win32_Account") -> str:
    """Return a reference to an account."""
    return at(f'{of}.Domain="{domain}",Name="{name}"')


def session(logon_id: str) -> str:
    """Return a reference to a logon session."""
    return at(f'Win32_LogonSession.LogonId="{logon_id}"')


def test_every_logon_session_but_the_system_session_is_of_an_account() -> None:
    assert everything(web1(), "Win32_LoggedOnUser", "Antecedent", "Dependent") == [
        (account("postgres"), session("4294967297")),
        (account("bob"), session("37")),
        (account("alice"), session("41")),
        (account("alice"), session("42")),
        (account("root"), session("63")),
    ]


@pytest.mark.parametrize(
    "path", ['Win32_UserAccount.Domain="web1",Name="alice"', "Win32_Account.Name='ALICE',Domain='WEB1'"]
)
def test_from_an_account_its_logon_sessions_are_found(path: str) -> None:
    assert values(web1().associators(path, assoc_class="Win32_LoggedOnUser"), "LogonId") == ["41", "42"]
    ties = web1().references(path, result_class="Win32_LoggedOnUser")
    assert values(ties, "Dependent") == [session("41"), session("42")]


def test_from_a_logon_session_its_account_is_found() -> None:
    found = list(web1().associators("Win32_LogonSession=41", assoc_class="Win32_LoggedOnUser"))
    assert values(found, "__CLASS", "Caption") == [("Win32_UserAccount", "web1\\alice")]
    (of_the_system,) = web1().associators("Win32_LogonSession=4294967297", assoc_class="Win32_LoggedOnUser")
    assert of_the_system["__CLASS"] == "Win32_SystemAccount"
    assert list(web1().associators("Win32_LogonSession=4294967295", assoc_class="Win32_LoggedOnUser")) == []


def test_the_account_of_a_directory_service_keeps_its_domain() -> None:
    logins = tuple(login._replace(uid=20001) if login.id == "41" else login for login in SNAPSHOT.logins)
    processes = [found._replace(loginuid=20001) if found.ses == 41 else found for found in SNAPSHOT.processes]
    host = web1(logins=logins, processes=processes)
    assert account("dave", "CORP") in everything(host, "Win32_LoggedOnUser", "Antecedent")
    found = host.associators('Win32_UserAccount.Domain="CORP",Name="dave"', assoc_class="Win32_LoggedOnUser")
    assert values(found, "LogonId") == ["41"]
    dave = r"Antecedent = 'Win32_Account.Domain=\"corp\",Name=\"DAVE\"'"
    assert answers(host, f"SELECT * FROM Win32_LoggedOnUser WHERE {dave}", "Dependent") == [session("41")]


def test_accounts_that_differ_in_case_match_either_name(host: HostFolder) -> None:
    for pid, (name, uid) in enumerate((("Carol", 1002), ("CAROL", 1003)), 50):
        host.account(name, uid)
        host.process(pid, ses=pid, loginuid=uid, uid=uid)
    where = r"Antecedent = 'Win32_Account.Domain=\"testhost\",Name=\"carol\"'"
    found = answers(host.connect(), f"SELECT * FROM Win32_LoggedOnUser WHERE {where}", "Dependent")
    assert found == [session("50"), session("51")]


def test_a_uid_that_no_name_service_knows_is_named_by_its_digits_and_found_by_them(host: HostFolder) -> None:
    host.process(50, ses=77, loginuid=4242, uid=4242)
    (found,) = host.connect().enumerate("Win32_LoggedOnUser")
    assert (found.Antecedent, found.Dependent) == (account("4242", "testhost"), session("77"))
    assert host.connect().get(found["__PATH"]) == found


def test_a_name_that_only_the_login_service_knows_is_used() -> None:
    host = web1(users=tuple(known for known in SNAPSHOT.users if known.uid != 1001))
    assert (account("bob"), session("37")) in everything(host, "Win32_LoggedOnUser", "Antecedent", "Dependent")


def test_a_name_that_no_name_service_knows_is_no_accounts_of_a_class_of_its_own(host: HostFolder) -> None:
    host.process(50, ses=77, loginuid=4242, uid=4242)
    for of, found in (("Win32_Account", [session("77")]), ("Win32_UserAccount", []), ("Win32_SystemAccount", [])):
        where = rf"Antecedent = '{of}.Domain=\"testhost\",Name=\"4242\"'"
        assert answers(host.connect(), f"SELECT * FROM Win32_LoggedOnUser WHERE {where}", "Dependent") == found


def test_an_account_that_did_not_log_in_has_none() -> None:
    for antecedent in (account("bob"), account("alice", of="Win32_SystemAccount"), account("alice", of="Win32_Group")):
        with pytest.raises(NotFoundError):
            web1().get(pair("Win32_LoggedOnUser", Antecedent=antecedent, Dependent=session("41")))
    alices = pair("Win32_LoggedOnUser", Antecedent=account("ALICE", of="Win32_UserAccount"), Dependent=session("41"))
    assert web1().get(alices)["Antecedent"] == account("alice")
    eve = 'Win32_UserAccount.Domain="example.org",Name="eve"'
    assert list(web1().associators(eve, assoc_class="Win32_LoggedOnUser")) == []
