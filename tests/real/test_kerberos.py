"""Tickets of a real KDC authenticate real clients at the packaged service, as the right users only."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logonscope.wire.wsman.message_encryption import KERBEROS
from tests.lab import realm as realms
from tests.lab.fixtures import skip_or_fail
from tests.lab.lab import PYTHON, Lab, start
from tests.lab.packaged import begin, forget, install
from tests.lab.realm import PASSWORD, Realm
from tests.lab.systemd import Machine
from tests.real.ask_kerberos import CERTIFICATE, column, soap

CLIENT = Path(__file__).with_name("ask_kerberos.py")
HOST = "web1.lab.test"
KIND = "Content-Type: application/soap+xml;charset=UTF-8"
SETTINGS = 'keytab = "/etc/logonscope/keytab"\naudit_log = "/var/log/logonscope/audit"\n'
KEYS = (f"HTTP/{HOST}", f"WSMAN/{HOST}", f"host/{HOST}")
OWN = "SELECT SessionId FROM Win32_Process WHERE CommandLine = 'sleep 1031'"
HOSTS = f"127.0.0.1 {HOST}\n"


class Kingdom:
    """The machine with its service, its realm and one that it trusts, and people's tickets."""

    def __init__(self, machine: Machine, realm: Realm, other: Realm) -> None:
        self.machine, self.realm, self.other = machine, realm, other

    def prepare(self) -> None:
        """Give the service its keys, and every user a ticket."""
        self.realm.add("alice", "bob", "carol", "root", "scanner", "alice/admin", *KEYS)
        self.other.add("alice")
        self.realm.trust(self.other)
        self.realm.configure("/etc/krb5.conf")
        self.realm.keytab("/etc/logonscope/keytab", *KEYS)
        for name in ("alice", "bob", "carol", "root", "scanner", "alice/admin"):
            self.realm.ticket(name, cache(name))
        self.other.ticket("alice", cache("stranger"))
        for name, more in (("scanner", []), ("plain", []), ("ntlm", ["--ntlm"])):
            add = [PYTHON, "-m", "logonscope", "user", "add", name, *more, "--administrator", "--password-stdin"]
            self.machine.run(add, input=f"{PASSWORD}\n")

    def asked(self, *questions: dict[str, Any]) -> list[Any]:
        """Ask as clients; as alice, by tickets, unless a question says otherwise."""
        given = [{"cache": cache("alice"), "query": OWN, "tls": False, **question} for question in questions]
        answers: list[Any] = json.loads(self.machine.run([PYTHON, str(CLIENT)], input=json.dumps(given)).stdout)
        return answers

    def audited(self) -> list[tuple[str, str, bool]]:
        """Return who came or did not, by what."""
        lines = self.machine.run(["cat", "/var/log/logonscope/audit"]).stdout.splitlines()
        events = [event for event in map(json.loads, lines) if event["event"] == "authentication"]
        return [(event["scheme"], event["user"], event["accepted"]) for event in events]


def cache(name: str) -> str:
    return f"FILE:/run/tickets-{name.replace('/', '-')}"


@pytest.fixture(scope="module")
def kingdom(people: Lab) -> Iterator[Kingdom]:
    """Make two realms inside, and start the service with a keytab."""
    if reason := realms.missing():
        skip_or_fail(reason)
    machine = people.machine
    hosts = machine.run(["cat", "/etc/hosts"]).stdout
    name = machine.run(["hostname"]).stdout.strip()
    machine.run(["tee", "/etc/hosts"], input=f"127.0.0.1 {HOST} {name}\n{hosts}")
    install(machine, SETTINGS)
    with Realm(machine.run, "/var/realm") as realm, Realm(machine.run, "/var/other", "OTHER.TEST") as other:
        made = Kingdom(machine, realm, other)
        made.prepare()
        begin(machine)
        yield made
    forget(machine)
    machine.run(["rm", "-r", "/etc/logonscope"])
    machine.run(["tee", "/etc/hosts"], input=hosts)


def psrp(**told: Any) -> dict[str, Any]:
    return {"client": "pypsrp", "auth": "kerberos", "negotiate_service": "WSMAN", **told}


def winrm(**told: Any) -> dict[str, Any]:
    return {"client": "pywinrm", "transport": "kerberos", **told}


def test_tickets_let_clients_in_as_whom_they_are_for(lab: Lab, kingdom: Kingdom) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        pids = [start(first, "sleep 1031"), start(second, "sleep 1031")]
        kernel = lab.truth()
        alices, bobs = ([str(kernel[pid]["sessionid"])] for pid in pids)
        ways = [
            {**client, "tls": tls}
            for client in (
                psrp(),
                psrp(negotiate_service="HTTP"),
                psrp(auth="negotiate"),
                psrp(username="alice", password=PASSWORD, cache="FILE:/nowhere"),
                winrm(),
                winrm(service="WSMAN", message_encryption="always"),
            )
            for tls in (False, True)
        ]
        assert kingdom.asked(*ways) == [alices] * len(ways)
        for client in (psrp(), winrm()):
            others = [{**client, "cache": cache(name), "tls": True} for name in ("bob", "scanner")]
            assert kingdom.asked(*others) == [bobs, [*alices, *bobs]]


def test_curl_authenticates_by_negotiate(lab: Lab, kingdom: Kingdom) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = start(shell, "sleep 1031")
        lab.machine.run(["tee", "/run/question"], input=soap(OWN).decode())
        for where in (
            ["http://web1.lab.test:5985/wsman"],
            ["--cacert", CERTIFICATE, "https://web1.lab.test:5986/wsman"],
        ):
            ask = ["curl", "-sS", "--negotiate", "-u", ":", "-H", KIND, "--data-binary", "@/run/question", *where]
            answer = kingdom.machine.run(["env", f"KRB5CCNAME={cache('alice')}", *ask]).stdout
            assert column(answer) == [str(lab.truth()[pid]["sessionid"])]


def test_so_does_logonscope(lab: Lab, kingdom: Kingdom) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = start(shell, "sleep 1031")
        for url, more in ((f"http://{HOST}:5985", []), (f"https://{HOST}:5986", ["--ca", CERTIFICATE])):
            ask = [PYTHON, "-m", "logonscope", "--host", url, *more, "query", OWN, "-o", "json"]
            answer = kingdom.machine.run(["env", f"KRB5CCNAME={cache('alice')}", *ask]).stdout
            assert json.loads(answer) == [{"SessionId": lab.truth()[pid]["sessionid"]}]


def test_no_other_user_can_authenticate(kingdom: Kingdom) -> None:
    strangers = [{"cache": cache(name)} for name in ("carol", "root", "alice/admin", "stranger")]
    elsewhere = {"negotiate_service": "host"}
    refusals = kingdom.asked(
        *(psrp(**told) for told in (*strangers, elsewhere)), *(winrm(**told) for told in strangers)
    )
    assert [refusal.partition(":")[0] for refusal in refusals] == ["AuthenticationError"] * 5 + [
        "InvalidCredentialsError"
    ] * 4
    kingdom.machine.run(["chage", "--expiredate", "0", "bob"])
    expired = kingdom.asked(psrp(cache=cache("bob")))
    kingdom.machine.run(["chage", "--expiredate", "-1", "bob"])
    assert expired[0].startswith("AuthenticationError")
    none = {"cache": "FILE:/nowhere"}
    refusals = kingdom.asked(psrp(**none), winrm(**none))
    assert [refusal.partition(":")[0] for refusal in refusals] == ["NoCredentialError", "KerberosExchangeError"]
    told = kingdom.audited()
    for name in ("carol@LAB.TEST", "root@LAB.TEST", "alice/admin@LAB.TEST", "alice@OTHER.TEST"):
        assert ("kerberos", name, False) in told
        assert ("kerberos", name, True) not in told
    assert ("kerberos", "alice@LAB.TEST", True) in told
    journal = kingdom.machine.run(["journalctl", "--no-pager", "-o", "cat", "-u", "logonscope"]).stdout
    assert "authentication failed for '' from 127.0.0.1: carol@LAB.TEST has no access to this server" in journal


def test_ntlm_is_for_those_who_have_it(lab: Lab, kingdom: Kingdom) -> None:
    ways = [
        psrp(auth=auth, username=name, password=word, tls=tls, cache="FILE:/nowhere")
        for auth in ("negotiate", "ntlm")
        for name, word in (("ntlm", PASSWORD), ("ntlm", "wrong"), ("plain", PASSWORD))
        for tls in (False, True)
    ]
    with lab.machine.ssh("alice") as shell:
        pid = start(shell, "sleep 1031")
        mine = [str(lab.truth()[pid]["sessionid"])]
        answers = [answer if answer == mine else answer[:19] for answer in kingdom.asked(*ways)]
    assert answers == [mine, mine, *["AuthenticationError"] * 4] * 2


def test_what_the_clients_do_not_say(lab: Lab, kingdom: Kingdom) -> None:
    ways: list[dict[str, Any]] = [
        {"client": "bare", "scheme": scheme, "protocol": protocol, "tls": tls}
        for scheme, protocol in (("Kerberos", "kerberos"), ("Negotiate", "kerberos"), ("Negotiate", "negotiate"))
        for tls in (False, True)
    ]
    with lab.machine.ssh("alice") as shell:
        pid = start(shell, "sleep 1031")
        mine = [str(lab.truth()[pid]["sessionid"])]
        answers = kingdom.asked(*ways, {**ways[1], "bindings": "tls-server-end-point:another"})
    *entered, mismatched = answers
    assert [(said, sealing, rows) for said, sealing, rows, _ in entered] == [
        (way["scheme"], KERBEROS, mine) for way in ways
    ]
    offered = ["Negotiate", "Kerberos", 'Basic realm="Logonscope", charset="UTF-8"']
    assert mismatched == [401, offered]
    kingdom.machine.run(["systemctl", "restart", "logonscope"])
    again = [{**way, "token": token} for way, (*_, token) in zip(ways, entered, strict=True)]
    assert kingdom.asked(*again) == [[401, offered]] * len(ways)  # replayed, also to the next server
