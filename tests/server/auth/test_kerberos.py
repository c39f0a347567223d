"""Tests of server/auth/kerberos.py: tickets of a real KDC, accepted and rejected, against pyspnego's client."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import spnego
from Cryptodome.Hash import MD4
from hypothesis import given
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.extras import install_command
from logonscope.server.auth.negotiate import KerberosSettings, Negotiation
from logonscope.server.auth.user_line import User
from tests.lab.realm import Realm, here
from tests.server.auth.exchanged import exchange
from tests.server.auth.keytabs import WITHOUT_KERBEROS, made_keytab, renamed

for _library in ("gssapi", "krb5"):
    pytest.importorskip(_library, reason=WITHOUT_KERBEROS, exc_type=ImportError)
from logonscope.server.auth.kerberos import Keytab, kerberos_settings, use_keytab  # noqa: E402 -- it is made of these two

HOST = "web1.lab.test"
PEOPLE = ("alice", "bob", "carol", "scanner", "alice/admin")
KEYS = (f"host/{HOST}", f"HTTP/{HOST}", f"WSMAN/{HOST}")
KEYTAB = Keytab((f"HTTP/{HOST}@LAB.TEST", f"WSMAN/{HOST}@LAB.TEST"))
USERS = {"scanner": User("scanner", None, administrator=True, password_hash="")}
UIDS = {"alice": 1000, "bob": 60000, "root": 0, "www-data": 33, "nobody": 65534, "borrowed": 61184, "web2$": 1001}
ALICE = Caller("alice", 1000, administrator=False)


def user(name: str) -> User | None:
    return USERS.get(name.casefold())


def account(name: str) -> Caller | None:
    return ALICE._replace(name=name, uid=UIDS[name]) if name in UIDS else None


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ("alice@LAB.TEST", "alice"),
        ("bob@LAB.TEST", "bob"),
        ("scanner@LAB.TEST", "scanner"),
        ("SCANNER@LAB.TEST", "scanner"),  # as the user file has it; Active Directory repeats what was typed
        ("\u017fcanner@LAB.TEST", None),  # casefold() makes an s of it
        ("Alice@LAB.TEST", None),  # accounts have one case
        ("alice@OTHER.TEST", None),
        ("alice@lab.test", None),
        ("alice", None),
        ("alice@", None),
        ("@LAB.TEST", None),
        ("alice/admin@LAB.TEST", None),
        ("alice/@LAB.TEST", None),
        (f"host/{HOST}@LAB.TEST", None),
        ("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", None),
        ("alice\\@corp.test@LAB.TEST", None),  # an enterprise name
        ("alice@LAB.TEST@LAB.TEST", None),
        ("alice\\n@LAB.TEST", None),
        ("carol@LAB.TEST", None),
        ("root@LAB.TEST", None),
        ("www-data@LAB.TEST", None),
        ("nobody@LAB.TEST", None),
        ("borrowed@LAB.TEST", None),
        ("web2$@LAB.TEST", None),  # a computer, though there is such an account
        ("", None),
    ],
)
def test_who_a_principal_is(principal: str, who: str | None) -> None:
    caller = kerberos_settings(KEYTAB, user, account).find_caller(principal)
    assert (caller.name if caller else None) == who


def test_the_user_file_may_name_root_and_computers() -> None:
    named = {name: User(name, 0, administrator=True, password_hash="") for name in ("root", "web2$")}
    who = kerberos_settings(KEYTAB, named.get, account).find_caller
    for name in named:
        assert who(f"{name}@LAB.TEST") == Caller(name, 0, administrator=True)


@pytest.fixture(scope="module")
def env(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let this process, a server and its clients alike, live in the realm; return the folder of people's tickets."""
    folder = tmp_path_factory.mktemp("tickets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_CONFIG", realm.config)
        patch.setenv("KRB5RCACHENAME", f"file2:{folder / 'replay'}")
        patch.setenv("KRB5_KTNAME", "FILE:/nowhere")
        realm.add(*PEOPLE, *KEYS)
        log_in(realm, folder, *PEOPLE)
        yield folder


@pytest.fixture(scope="module")
def lab_tickets(realm: Realm, env: Path) -> KerberosSettings:
    """Take a keytab that has more keys than ours, as a system's."""
    return kerberos_settings(use_keytab(realm.keytab(str(env / "keytab"), *KEYS)), user, account)


def log_in(realm: Realm, folder: Path, *people: str, life: str = "1h") -> None:
    for name in people:
        realm.ticket(name, cache(folder, name), life)


def cache(folder: Path, name: str) -> str:
    return f"FILE:{folder / name.replace('/', '-')}"


def client(
    env: Path, name: str = "alice", protocol: str = "kerberos", service: str = "HTTP", bindings: bytes | None = None
) -> spnego.ContextProxy:
    bound = None if bindings is None else GssChannelBindings(application_data=b"tls-server-end-point:" + bindings)
    ticket = spnego.KerberosCCache(cache(env, name))
    return spnego.client(ticket, hostname=HOST, service=service, protocol=protocol, channel_bindings=bound)


def negotiation(
    lab_tickets: KerberosSettings | None, bindings: bytes | None = None, *, required: bool = False
) -> Negotiation:
    users = {"dave": (ALICE._replace(name="dave"), nt_hash("battery"))}
    return Negotiation(users.get, bindings, lab_tickets, requires_binding=required)


def nt_hash(password: str) -> bytes:
    return MD4.new(password.encode("utf-16-le")).digest()  # noqa: S303 -- what NTLM is made of


def held(server: Negotiation, context: spnego.ContextProxy) -> Caller | None:
    """Hold the whole conversation; the client has to be satisfied, too: the last token proves the server to it."""
    token = context.step()
    while token:
        answer = server.step(token)
        token = context.step(answer) if answer else None
    assert context.complete
    return server.caller


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
@pytest.mark.parametrize("service", ["HTTP", "WSMAN"])
@pytest.mark.parametrize("name", ["alice", "bob", "scanner"])
def test_a_client_with_a_ticket_authenticates(
    env: Path, lab_tickets: KerberosSettings, protocol: str, service: str, name: str
) -> None:
    server = negotiation(lab_tickets)
    caller = held(server, client(env, name, protocol, service))
    assert caller is not None
    assert caller.name == name
    assert server.principal == f"{name}@LAB.TEST"


@pytest.mark.parametrize("name", ["carol", "alice/admin"])
def test_a_principal_without_an_account_is_rejected_by_name(
    env: Path, lab_tickets: KerberosSettings, name: str
) -> None:
    server = negotiation(lab_tickets)
    with pytest.raises(AccessDeniedError) as refused:
        server.step(client(env, name).step() or b"")
    assert str(refused.value.__cause__) == f"{name}@LAB.TEST has no access to this server"
    assert (server.caller, server.principal) == (None, f"{name}@LAB.TEST")


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
def test_a_ticket_for_another_service_is_none(env: Path, lab_tickets: KerberosSettings, protocol: str) -> None:
    server = negotiation(lab_tickets)
    with pytest.raises(AccessDeniedError) as refused:
        server.step(client(env, "alice", protocol, "host").step() or b"")
    assert "does not match server principal HTTP/" in str(refused.value.__cause__)
    assert (server.caller, server.principal) == (None, "")


def test_without_a_keytab_a_ticket_is_none(env: Path, lab_tickets: KerberosSettings) -> None:
    assert lab_tickets.services == ("HTTP", "WSMAN")
    for protocol in ("negotiate", "kerberos"):
        with pytest.raises(AccessDeniedError):
            negotiation(None).step(client(env, "alice", protocol).step() or b"")


def test_a_realm_that_this_one_trusts_is_another(
    realm: Realm, env: Path, lab_tickets: KerberosSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Realm(here, str(tmp_path / "other"), "OTHER.TEST") as other:
        other.add("alice")
        realm.trust(other)
        log_in(other, tmp_path, "alice")
        monkeypatch.setenv("KRB5_CONFIG", realm.config)
        ticket = spnego.KerberosCCache(cache(tmp_path, "alice"))
        context = spnego.client(ticket, hostname=HOST, service="HTTP", protocol="kerberos")
        with pytest.raises(AccessDeniedError) as refused:
            negotiation(lab_tickets).step(context.step() or b"")
    assert str(refused.value.__cause__) == "alice@OTHER.TEST has no access to this server"
    assert env.exists()


def test_a_ticket_comes_once(env: Path, lab_tickets: KerberosSettings) -> None:
    token = client(env).step() or b""
    assert negotiation(lab_tickets).step(token)
    with pytest.raises(AccessDeniedError) as refused:
        negotiation(lab_tickets).step(token)
    assert "Request is a replay" in str(refused.value.__cause__)


def test_an_old_ticket_is_none(
    realm: Realm, env: Path, lab_tickets: KerberosSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(realm, tmp_path, "alice", life="2s")
    token = client(tmp_path).step() or b""
    monkeypatch.setenv("KRB5_CONFIG", realm.configure(str(tmp_path / "strict.conf"), "clockskew = 1"))
    time.sleep(4.1)
    with pytest.raises(AccessDeniedError) as refused:
        negotiation(lab_tickets).step(token)
    assert "Ticket expired" in str(refused.value.__cause__)
    assert env.exists()


def test_over_tls_a_ticket_is_for_one_certificate(env: Path, lab_tickets: KerberosSettings) -> None:
    assert held(negotiation(lab_tickets, b"mine"), client(env, bindings=b"mine")) == ALICE
    with pytest.raises(AccessDeniedError) as refused:
        negotiation(lab_tickets, b"mine").step(client(env, bindings=b"another's").step() or b"")
    assert "Incorrect channel bindings" in str(refused.value.__cause__)
    assert held(negotiation(lab_tickets, b"mine"), client(env)) == ALICE  # curl's has none, as Windows lets it


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
def test_a_ticket_has_to_be_bound_where_that_is_required(
    env: Path, lab_tickets: KerberosSettings, protocol: str
) -> None:
    bound = client(env, "alice", protocol, bindings=b"mine")
    assert held(negotiation(lab_tickets, b"mine", required=True), bound) == ALICE
    with pytest.raises(AccessDeniedError) as refused:
        negotiation(lab_tickets, b"mine", required=True).step(client(env, "alice", protocol).step() or b"")
    assert "channel_binding" in str(refused.value.__cause__)
    assert held(negotiation(lab_tickets, required=True), client(env, "alice", protocol)) == ALICE


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
def test_messages_are_sealed_for_the_other_end(env: Path, lab_tickets: KerberosSettings, protocol: str) -> None:
    server, context = negotiation(lab_tickets), client(env, "alice", protocol)
    held(server, context)
    sent = exchange(server, context)
    with pytest.raises(AccessDeniedError, match="changed"):
        server.decrypt(*sent)  # a second time


def test_a_changed_key_holds_at_once(realm: Realm, env: Path, lab_tickets: KerberosSettings) -> None:
    assert held(negotiation(lab_tickets), client(env)) == ALICE
    realm.renew(f"HTTP/{HOST}")
    log_in(realm, env, *PEOPLE)
    with pytest.raises(AccessDeniedError):
        negotiation(lab_tickets).step(client(env).step() or b"")
    realm.keytab(str(env / "keytab"), *KEYS)
    assert held(negotiation(lab_tickets), client(env)) == ALICE


def test_one_key_may_have_several_names(realm: Realm, env: Path, tmp_path: Path, lab_tickets: KerberosSettings) -> None:
    """Of Active Directory an account has one key, and a keytab need not have all of the names that it goes by."""
    renamed(Path(realm.keytab(str(tmp_path / "wsman"), f"WSMAN/{HOST}")), tmp_path / "http", f"HTTP/{HOST}@LAB.TEST")
    for path, comes in ((tmp_path / "http", True), (env / "keytab", True)):
        found = kerberos_settings(use_keytab(str(path)), user, account)
        assert (held(negotiation(found), client(env, service="WSMAN")) == ALICE) is comes
    assert lab_tickets.services == ("HTTP", "WSMAN")


@pytest.mark.parametrize("protocol", ["negotiate", "ntlm"])
def test_ntlm_goes_on_beside_it(env: Path, lab_tickets: KerberosSettings, protocol: str) -> None:
    def ntlm(password: str) -> spnego.ContextProxy:
        return spnego.client(spnego.NTLMHash("dave", nt_hash=nt_hash(password).hex()), protocol=protocol)

    server = negotiation(lab_tickets)
    assert held(server, ntlm("battery")) == ALICE._replace(name="dave")
    assert server.principal == ""
    assert held(server, client(env)) == ALICE
    with pytest.raises(AccessDeniedError):
        held(server, ntlm("wrong"))
    assert (server.caller, server.principal) == (None, "")


def test_many_at_once_are_not_taken_for_each_other(env: Path, lab_tickets: KerberosSettings) -> None:
    def come_in(name: str) -> str | None:
        caller = held(negotiation(lab_tickets), client(env, name))
        return caller.name if caller else None

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(come_in, ["alice", "bob", "scanner"] * 20)) == ["alice", "bob", "scanner"] * 20


tokens = st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"\x60\x82\x01\x00\x06\x09" + tail)


@given(tokens, st.integers(0, 700), st.binary(min_size=1, max_size=4))
def test_any_token_is_a_step_or_a_refusal(
    env: Path, lab_tickets: KerberosSettings, token: bytes, at: int, other: bytes
) -> None:
    genuine = bytearray(client(env, "alice", "negotiate").step() or b"")
    genuine[at : at + len(other)] = other
    for given_ in (token, bytes(genuine)):
        server = negotiation(lab_tickets)
        with suppress(AccessDeniedError):
            server.step(given_)
        assert server.caller in {None, ALICE}  # some octets matter to nobody


def test_a_keytab_names_our_principals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5_KTNAME", "")
    path = made_keytab(tmp_path / "keytab", "WEB1$@CORP", "host/web1@CORP", "WSMAN/web1@CORP", "HTTP/a@B", "HTTP/a@B")
    assert use_keytab(path) == Keytab(("WSMAN/web1@CORP", "HTTP/a@B"))
    assert use_keytab(path).services == ("HTTP", "WSMAN")
    assert use_keytab(path).realms == {"CORP", "B"}
    path = made_keytab(tmp_path / "second", "WSMAN/web1@CORP")
    assert use_keytab(path).services == ("WSMAN",)


@pytest.mark.parametrize(
    ("content", "mode", "refusal"),
    [
        (
            None,
            0o600,
            "keytab {path} does not exist; see docs/users.md for how to create one, or remove the setting keytab",
        ),
        (
            b"",
            0o600,
            "invalid keytab {path}: Unsupported key table format version number -1765328171; set keytab to",
        ),
        (b"[libdefaults]\n", 0o600, "invalid keytab {path}: Unsupported"),
        (b"", 0o644, "{path} is open to others (mode 644); chmod 600 {path}"),
    ],
)
def test_what_is_no_keytab_is_refused(tmp_path: Path, content: bytes | None, mode: int, refusal: str) -> None:
    path = tmp_path / "keytab"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises((InvalidParameterError, AccessDeniedError)) as refused:
        use_keytab(str(path))
    assert str(refused.value).startswith(refusal.format(path=path))


def test_a_keytab_of_others_is_refused(tmp_path: Path) -> None:
    path = made_keytab(tmp_path / "keytab", "host/web1@CORP", "HTTPS/web1@CORP", "HTTP@CORP")
    with pytest.raises(InvalidParameterError, match="has no key for HTTP/host"):
        use_keytab(path)


@pytest.mark.parametrize("lacks", ["gssapi", "krb5"])
def test_without_its_libraries_it_says_so(lacks: str) -> None:
    program = f"""
import sys
sys.modules[{lacks!r}] = None
try:
    import logonscope.server.auth.kerberos
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("NotSupportedError Kerberos is not available: ")
    assert done.stdout.endswith(f"; run {install_command('kerberos')}, or remove the setting keytab\n")
