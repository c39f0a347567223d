"""Fuzzing of server/http.py and server/auth: no request without valid credentials is accepted, and each is answered.

As many as LOGONSCOPE_FUZZ says show a password, a twentieth of them negotiate, and a fiftieth come over sockets.
"""

import base64
import logging
import random
import re
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import spnego
from lxml import etree
from spnego.exceptions import SpnegoError

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.server.auth.authenticator import Authenticator
from logonscope.server.auth.negotiate import Negotiation
from logonscope.server.auth.passwords import PasswordBackend, Passwords
from logonscope.server.auth.peer import Peer
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.user_file import UserFile
from logonscope.server.authorization import challenges, credentials_of
from logonscope.wire.wsman import message_encryption
from logonscope.wire.wsman.message_encryption import EncryptedMessage
from logonscope.wire.wsman.names import SOAP
from logonscope.wire.xml import clark_name
from tests.hosts import user
from tests.server.mutants import Mutants
from tests.server.running import ADMIN, ALICE, BOB, QUICK, RunningServer, running
from tests.server.test_fuzz import CODES, REQUESTS, SEED

PIECES = (
    b"",
    b"\0",
    b"\xff",
    b"\r\n",
    b" ",
    b":",
    b"=",
    b"A" * 300,
    b"\0" * 40,
    b"\xff\xff\xff\xff",
    b"NTLMSSP\0\x03\0\0\0",
)
WORDS = dict((ALICE, BOB))
PATIENCE = 10.0
"""Seconds in which the server has to answer, or to hang up."""

CONTINUE = 100
STATUSES = {200, 400, 401, 403, 404, 405, 500, 503}


def spoilt(chance: random.Random, data: bytes, times: int = 1) -> bytes:
    """Return bytes with something else here and there."""
    for _ in range(times):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 1, 1, 4, 30)))
        flipped = bytes(octet ^ 1 << chance.randrange(8) for octet in data[start:end])
        data = data[:start] + chance.choice((flipped, flipped, chance.choice(PIECES))) + data[end:]
    return data


@pytest.fixture
def authenticator(tmp_path: Path) -> Authenticator:
    """Return one that knows alice and bob."""
    users = UserFile(tmp_path / "users", hasher=QUICK)
    users.add(*ALICE, uid=1000, ntlm=True)
    users.add(*BOB, uid=1001, ntlm=True)

    def check(name: str, password: str) -> Caller | None:
        return Caller(name, 1000, administrator=False) if WORDS.get(name) == password else None

    return Authenticator(
        Passwords([PasswordBackend(check)], Throttle(address_limit=REQUESTS * 9, user_limit=REQUESTS * 9)),
        users.lookup,
        user,
    )


def connected(chance: random.Random) -> Peer:
    loopback = chance.random() < 0.7
    return Peer("127.0.0.1" if loopback else "203.0.113.7", chance.random() < 0.5, loopback)


def test_a_name_with_its_password_lets_in_and_nothing_else_does(authenticator: Authenticator) -> None:
    chance, let_in = random.Random(SEED), 0  # noqa: S311 -- to be the same in every run
    for _ in range(REQUESTS):
        shown = spoilt(chance, ":".join(chance.choice((ALICE, BOB))).encode(), chance.choice((0, 1, 3)))
        header = spoilt(chance, b"Basic " + base64.b64encode(shown), chance.choice((0, 0, 1))).decode("latin-1")
        caller = authenticator.authenticate(connected(chance), credentials_of(header)).caller
        if caller is not None:
            said = base64.b64decode(header.strip().partition(" ")[2]).decode()
            assert said.partition(":")[2] == WORDS[caller.name]
            let_in += 1
    assert let_in > REQUESTS / 10


def negotiated(authenticator: Authenticator, chance: random.Random, peer: Peer, word: str) -> spnego.ContextProxy:
    """Hold a negotiation in which tokens may be spoilt; return the client's end."""
    protocol = chance.choice(("negotiate", "ntlm"))
    context = spnego.client(ALICE[0], word, "web1", "http", protocol=protocol)
    scheme, token, spoils = chance.choice(("Negotiate", "NTLM")), context.step(), chance.random() < 0.6
    while token:
        token = spoilt(chance, token, chance.choice((0, 1, 1, 3))) if spoils else token
        credentials = credentials_of(f"{scheme} {base64.b64encode(token).decode()}")
        found = authenticator.authenticate(peer, credentials)
        said = [challenge.partition(" ")[2] for challenge in challenges(found, credentials)]
        token = None
        with suppress(SpnegoError, ValueError, struct.error):
            token = context.step(base64.b64decode(said[0])) if said and said[0] else None
    return context


def test_a_negotiation_lets_in_who_knows_the_password_and_opens_what_was_sealed(authenticator: Authenticator) -> None:
    chance, opened = random.Random(SEED), 0  # noqa: S311 -- the same
    for number in range(REQUESTS // 20):
        peer, right = connected(chance), chance.random() < 0.8
        context = negotiated(authenticator, chance, peer, ALICE[1] if right else "wrong")
        entry = authenticator.authenticate(peer, None)
        assert entry.caller is None or (right and entry.caller.name == "alice"), number
        if entry.caller is None or entry.negotiation is None or not context.complete:
            continue
        for _ in range(10):
            opened += unsealed(chance, entry.negotiation, context)
    assert opened > REQUESTS / 40


def unsealed(chance: random.Random, negotiation: Negotiation, context: spnego.ContextProxy) -> bool:
    """Seal a request, spoil it perhaps, and tell whether the other end opened it, which has to be what was sealed."""
    data = b"<question/>" * chance.randrange(1, 30)
    made = context.wrap_winrm(data)
    content_type, body = message_encryption.write_message(EncryptedMessage(made.header, made.data, len(data)))
    spoils = chance.random() < 0.1
    if spoils:
        body = spoilt(chance, body, chance.choice((1, 3)))
        content_type = spoilt(chance, content_type.encode(), chance.choice((0, 0, 1))).decode("latin-1")
    try:
        signature, encrypted, length, _ = message_encryption.parse_message(content_type, body)
        found = negotiation.decrypt(signature, encrypted, length)
    except (AccessDeniedError, InvalidParameterError):
        assert spoils or negotiation.caller is None
        return False
    assert found == data
    return True


REQUEST_LINES = (b"POST /wsman HTTP/1.1",) * 12 + (
    b"GET /wsman HTTP/1.1",
    b"POST /metrics HTTP/1.1",
    b"POST * HTTP/1.0",
)
CONTENT_TYPES = (
    *(b"application/soap+xml;charset=UTF-8",) * 6, b"", b"text/xml",
    b'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"',
)  # fmt: skip
BASIC = [b"Basic " + base64.b64encode(":".join(known).encode()) for known in (ADMIN, ALICE, BOB)]
SHOWN = (*BASIC * 3, b"Negotiate TlRMTVNTUAADAAAA", b"Basic", b"NTLM ====")
ODD = (
    b"Expect: 100-continue", b"WSMANIDENTIFY: unauthenticated", b"Transfer-Encoding: chunked", b"Content-Length: 5",
    b"X: " + b"x" * 120_000, b" folded: x", b"no colon", b"Upgrade: websocket\r\nConnection: upgrade", b"X: \0",
)  # fmt: skip
GOOD = b"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\nContent-Length: 0\r\n\r\n" % BASIC[0]


def messages(count: int) -> list[bytes]:
    """Return requests of HTTP."""
    chance, mutants = random.Random(SEED), Mutants(SEED, ("4312", "41"))  # noqa: S311 -- the same
    made = []
    for _ in range(count):
        body = mutants.one(["uuid:made-up"])
        length = len(body) + chance.choice((0,) * 12 + (-5, 5, 10**9, -(10**9)))
        lines = [chance.choice(REQUEST_LINES), b"Host: x", b"Content-Type: " + chance.choice(CONTENT_TYPES)]
        lines += [chance.choice(ODD)] * (chance.random() < 0.3) + [b"Content-Length: %d" % length]
        head = spoilt(chance, b"\r\n".join(lines), chance.choice((0, 0, 0, 0, 1, 3)))
        whole = b"\r\n".join([head, b"Authorization: " + chance.choice(SHOWN), b"", body])
        made.append(whole * chance.choice((1, 1, 1, 1, 2)))
    return made


def said_back(server: RunningServer, data: bytes) -> bytes:
    """Send something, and return what comes until the server hangs up; nothing where it broke the connection off."""
    with socket.create_connection(("127.0.0.1", server.http), PATIENCE) as client:
        got = b""
        try:
            client.sendall(data)
            while part := client.recv(1 << 16):
                got += part
        except ConnectionError:
            return b""
        return got


def answers(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the status and the body of each answer; one without a length is the last."""
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), data
        status, length = int(head.split()[1]), re.search(rb"\r\ncontent-length: (\d+)", head)
        if status == CONTINUE:
            data = rest
            continue
        body, data = (rest[: int(length[1])], rest[int(length[1]) :]) if length else (rest, b"")
        yield status, body


def test_any_bytes_over_a_socket_get_an_http_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with running(request_seconds="1", metrics="administrators") as server:
        with ThreadPoolExecutor(64) as pool:
            told = list(pool.map(lambda data: said_back(server, data), messages(max(60, REQUESTS // 50))))
        assert b" 200 OK" in said_back(server, GOOD)
    found = [answer for data in told for answer in answers(data)]
    for status, body in found:
        assert status in STATUSES
        assert b"Traceback" not in body
        if status == 500:
            codes = [value.text or "" for value in etree.fromstring(body).iter(clark_name(SOAP, "Value"))]
            assert tuple(codes) in CODES
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert {200, 400, 401, 500} <= {status for status, _ in found}
