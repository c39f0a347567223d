"""An ordinary user of the JSON API: the worst queries there are, and streams that it does not read."""

import json
import time
from contextlib import ExitStack

from tests.siege.accounts import USER
from tests.siege.attack import attacking
from tests.siege.cases.worst_queries import PROCESSES, WORST, keep_asking
from tests.siege.exchange import basic, json_request
from tests.siege.siege import Siege
from tests.siege.unit import SOCKET

STREAMS = 60


def ask_worst_queries_as_json(siege: Siege) -> str:
    """Keep worst queries open, half of them over each way in, beside processes that they are slow on."""
    arguments = {"text": f"SELECT Handle FROM Win32_Process WHERE {WORST}"}
    requests = json_request("query", arguments), json_request("query", arguments, basic(USER))
    return keep_asking(siege, *requests, {200, 429, 503, 504}, " as JSON")


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
