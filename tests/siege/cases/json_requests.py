"""An ordinary user of the JSON API: the worst queries there are, and streams that it does not read."""

import base64
import json
import time
from contextlib import ExitStack

from tests.siege.accounts import USER
from tests.siege.attack import attacking
from tests.siege.cases.worst_queries import PATTERNS, PROCESSES, SETS, WORST
from tests.siege.exchange import basic, json_request
from tests.siege.siege import Siege
from tests.siege.unit import SOCKET

STREAMS = 60


def ask_worst_queries_as_json(siege: Siege) -> str:
    """Keep worst queries open, half of them over each way in, beside processes that they are slow on."""
    scale, arguments = siege.scale, {"text": f"SELECT Handle FROM Win32_Process WHERE {WORST}"}
    ways = (
        (SOCKET, json_request("query", arguments)),
        (siege.unit.tls_port, json_request("query", arguments, basic(USER))),
    )
    with ExitStack() as attackers:
        attackers.enter_context(attacking(siege.machine, "attackers.process_keeper", USER.uid, "arguments", PROCESSES))
        senders = [
            attackers.enter_context(
                attacking(siege.machine, "attackers.request_sender", USER.uid, scale.queries // 2, server,
                          base64.b64encode(request).decode())
            )
            for server, request in ways
        ]  # fmt: skip
        time.sleep(scale.seconds)
        answers = [answer for sender in senders for answer in sender.outcome()]
    others = [status for status, *_ in answers if status not in {200, 429, 503, 504}]
    siege.expect(not others, f"queries got {others}: they were not asked")
    return (
        f"{scale.queries} queries of {PATTERNS} LIKE of {SETS} sets as JSON, on {PROCESSES} processes of 33,000 "
        f"characters: {len(answers)} answered within {scale.seconds:g} s"
    )


def hold_unread_streams(siege: Siege) -> str:
    """Open streams of more rows than any buffer holds, and read none of them."""
    arguments = json.dumps({"class_name": "LS_Process", "namespace": "root/logonscope"})
    with ExitStack() as attackers:
        attackers.enter_context(attacking(siege.machine, "attackers.process_keeper", USER.uid, "arguments", PROCESSES))
        words = (USER.uid, STREAMS, SOCKET, "enumerate", arguments)
        holder = attackers.enter_context(attacking(siege.machine, "attackers.stream_holder", *words))
        time.sleep(siege.scale.seconds)
        statuses = holder.outcome()
    begun, refused = statuses.count(200), statuses.count(429) + statuses.count(503)
    siege.expect(begun, "no stream began")
    siege.expect(refused, f"all {begun} streams of one user were kept open")
    siege.expect(begun + refused == STREAMS, f"the streams got {set(statuses)}")
    return f"{STREAMS} streams that are not read: {begun} began, {refused} were refused"
