"""An ordinary user asks the worst queries there are, by the unix socket and over TLS."""

import base64
import time
from contextlib import ExitStack

from tests.siege.accounts import USER
from tests.siege.attack import attacking
from tests.siege.exchange import basic, http_request, query
from tests.siege.siege import Siege
from tests.siege.unit import SOCKET

SETS, PATTERNS, PROCESSES = 240, 15, 20
WORST = " OR ".join([f"CommandLine LIKE '%{'[ab]' * SETS}x%'"] * PATTERNS)


def ask_worst_queries(siege: Siege) -> str:
    """Keep worst queries open, half of them over each way in, beside processes that they are slow on."""
    envelope = query(f"SELECT Handle FROM Win32_Process WHERE {WORST}")
    return keep_asking(siege, http_request(envelope), http_request(envelope, basic(USER)), {200, 500, 503}, "")


def keep_asking(siege: Siege, over_socket: bytes, over_tls: bytes, statuses: set[int], form: str) -> str:
    """Keep two requests open, as many of each, beside processes that they are slow on; return what was done.

    Args:
        siege: the siege.
        over_socket: the request over the unix socket.
        over_tls: the same one over TLS.
        statuses: what the server may answer.
        form: words for the form of the requests.
    """
    scale, ways = siege.scale, ((SOCKET, over_socket), (siege.unit.tls_port, over_tls))
    with ExitStack() as attackers:
        keeper = (USER.uid, "arguments", PROCESSES)
        attackers.enter_context(attacking(siege.machine, "attackers.process_keeper", *keeper))
        senders = [
            attackers.enter_context(
                attacking(siege.machine, "attackers.request_sender", USER.uid, scale.queries // 2, server,
                          base64.b64encode(request).decode())
            )
            for server, request in ways
        ]  # fmt: skip
        time.sleep(scale.seconds)
        answers = [answer for sender in senders for answer in sender.outcome()]
    others = [status for status, *_ in answers if status not in statuses]
    siege.expect(not others, f"queries got {others}: they were not asked")
    return (
        f"{scale.queries} queries of {PATTERNS} LIKE patterns with {SETS} character sets (`[ab]`) each{form}, on "
        f"{PROCESSES} processes with an argument of 33,000 characters each: "
        f"{len(answers)} answered within {scale.seconds:g} s"
    )
