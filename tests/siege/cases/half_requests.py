"""Requests of which only the first half comes, from four addresses, while others ask."""

import time

from tests.siege.accounts import USER
from tests.siege.attack import attacking
from tests.siege.exchange import ONE_ROW, ask, basic, http_request, query, trusting_nobody
from tests.siege.siege import Siege

COUNT, ADDRESSES = 200, 4
QUESTIONS = 10


def send_half_requests(siege: Siege) -> str:
    """Hold half requests open, and ask from another address meanwhile."""
    unit = siege.unit
    request = http_request(query(ONE_ROW), basic(USER))
    with attacking(siege.machine, "attackers.connection_holder", unit.plain_port, COUNT, ADDRESSES, "half") as holder:
        end = time.monotonic() + siege.scale.seconds
        statuses: list[int] = []
        while len(statuses) < QUESTIONS or time.monotonic() < end:
            here = f"127.100.0.{1 + len(statuses) % 200}"
            statuses.append(ask(("127.0.0.1", unit.tls_port), request, here, trusting_nobody()).status)
            time.sleep(0.1)
        seen = holder.outcome()
    failed = [status for status in statuses if status != 200]
    siege.expect(not failed, f"{len(failed)} of {len(statuses)} questions of an ordinary user got {set(failed)}")
    return (
        f"{COUNT} half requests at a time from {ADDRESSES} addresses, {seen['opened']:,} in all; "
        f"{len(statuses)} questions of a user at other addresses"
    )
