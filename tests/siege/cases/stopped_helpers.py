"""A user stops the helpers that act as that user, where methods are allowed."""

import base64
from concurrent.futures import ThreadPoolExecutor

from tests.siege.accounts import BYSTANDER_UID, USER
from tests.siege.attack import attacking
from tests.siege.exchange import ONE_ROW, http_request, invoke, query
from tests.siege.siege import Siege
from tests.siege.unit import SOCKET

THREADS = 400
"""Of the process whose priority is set: so long the helper is the user's."""

BYSTANDERS = 8
"""Other users who ask at the same time afterwards; as many as there are workers."""

LINE = f"killed the helper that acts as uid {USER.uid}"


def stop_helpers(siege: Siege) -> str:
    """Have helpers act on a process while their user stops them; then let others ask."""
    machine = siege.machine
    with (
        attacking(machine, "attackers.process_keeper", USER.uid, "threads", THREADS) as target,
        attacking(machine, "attackers.helper_stopper", USER.uid, siege.pid) as stopper,
    ):
        request = http_request(invoke(target.facts[0], "SetPriority", "<p:Priority>64</p:Priority>"))
        words = (USER.uid, siege.scale.stops, SOCKET, base64.b64encode(request).decode(), "answered")
        with attacking(machine, "attackers.request_sender", *words) as sender:
            answers = sender.outcome()
        helpers = stopper.outcome()
    siege.expect(helpers, "no helper was stopped")
    siege.expect(all(status == 200 for status, *_ in answers), f"answers: {sorted(status for status, *_ in answers)}")
    lines = [line for line in siege.log() if LINE in line]
    siege.expect(len(lines) == len(helpers), f"{len(helpers)} helpers were stopped, {len(lines)} lines of log")
    inherited = {link for helper in helpers for link in helper["descriptors"] if not _is_own(link)}
    siege.expect(not inherited, f"a helper has inherited {inherited}")
    _let_others_ask(siege)
    slowest = max(seconds for _, seconds, _ in answers)
    return (
        f"{len(answers)} requests that need an action helper; their user stops {len(helpers)} of these helpers "
        f"(SIGSTOP); the slowest answer came after {slowest:.0f} s"
    )


def _is_own(link: str) -> bool:
    """Return whether a helper opens this itself, or is given it: /dev/null, folders of /proc, a pidfd."""
    return link == "/dev/null" or link.startswith("/proc/") or link == "anon_inode:[pidfd]"


def _let_others_ask(siege: Siege) -> None:
    """Let as many users ask at the same time as there are workers."""
    request = base64.b64encode(http_request(query(ONE_ROW))).decode()

    def status(uid: int) -> int:
        with attacking(siege.machine, "attackers.request_sender", uid, 1, SOCKET, request, "answered") as sender:
            answer: int = sender.outcome()[0][0]
        return answer

    with ThreadPoolExecutor(BYSTANDERS) as pool:
        statuses = [*pool.map(status, range(BYSTANDER_UID, BYSTANDER_UID + BYSTANDERS))]
    siege.expect(statuses == [200] * BYSTANDERS, f"users who ask afterwards get {statuses}")
