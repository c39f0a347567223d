"""Processes whose command lines hang on a dead FUSE mount, with lower numbers than those that are asked for."""

from tests.siege.accounts import ADMINISTRATOR, USER
from tests.siege.attack import attacking
from tests.siege.attackers.process_keeper import SLEEP
from tests.siege.exchange import ask, basic, http_request, query, trusting_nobody
from tests.siege.siege import Siege

OTHERS, QUESTIONS = 30, 12
ARGUMENTS = " ".join(SLEEP)
ROWS = f"SELECT Handle, CommandLine FROM Win32_Process WHERE CommandLine LIKE '{ARGUMENTS}'"
HERE = "127.150.0.1"


def hang_arguments(siege: Siege) -> str:
    """Ask for the arguments of all processes again and again, some of which hang."""
    request = http_request(query(ROWS), basic(ADMINISTRATOR))
    server, hung = ("127.0.0.1", siege.unit.tls_port), siege.scale.hung
    counts, threads, slowest = [], [], 0.0
    with attacking(siege.machine, "attackers.hung_holder", USER.uid, hung, OTHERS) as holder:
        lowest = max(holder.facts["hung"]) < min(holder.facts["others"])
        siege.expect(lowest, "the processes that hang have not the lowest numbers")
        for _ in range(QUESTIONS):
            answer = ask(server, request, HERE, trusting_nobody())
            counts.append(answer.body.count(ARGUMENTS.encode()))
            slowest = max(slowest, answer.seconds)
            threads.append(siege.unit.threads(siege.pid))
        for pid in holder.facts["hung"]:
            row = ask(server, _one_process(pid), HERE, trusting_nobody())
            siege.expect(f">{pid}<".encode() in row.body, f"no row of a process that hangs: {row.status}")
    siege.expect(set(counts) == {OTHERS}, f"of {OTHERS} rows with arguments there were {counts}")
    growth = threads[-1] - threads[0]
    siege.expect(growth < hung, f"{QUESTIONS} questions took {growth} threads more")
    return (
        f"{hung} command lines hung: all {OTHERS} others were read, {QUESTIONS} times; the slowest answer took "
        f"{slowest:.1f} s; the server had {threads[0]} threads after the first of the {QUESTIONS} answers, "
        f"{threads[-1]} after the last"
    )


def _one_process(pid: int) -> bytes:
    text = f"SELECT Handle, CommandLine FROM Win32_Process WHERE Handle = '{pid}'"
    return http_request(query(text), basic(ADMINISTRATOR))
