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
    scale, envelope = siege.scale, query(f"SELECT Handle FROM Win32_Process WHERE {WORST}")
    ways = ((SOCKET, http_request(envelope)), (siege.unit.tls_port, http_request(envelope, basic(USER))))
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
    early = [status for status, *_ in answers if status not in {200, 500, 503}]
    siege.expect(not early, f"queries got {early}: they were not asked")
    return (
        f"{scale.queries} queries of {PATTERNS} LIKE of {SETS} sets, on {PROCESSES} processes of 33,000 characters: "
        f"{len(answers)} answered within {scale.seconds:g} s"
    )
