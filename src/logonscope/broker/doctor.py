"""What can be read here, with which rights, what is missing, and how to get it?"""

from collections import Counter
from collections.abc import Iterator, Sequence

from logonscope.answers.check import Check
from logonscope.answers.logon_session import LogonSession
from logonscope.broker.access import Caller
from logonscope.broker.request import Request
from logonscope.broker.sessions import described
from logonscope.facts import FILE_OF, Process
from logonscope.machine import Facts, LogonIndex, ProcessQuery

_MOST_LISTED = 10


def doctor(request: Request) -> list[Check]:
    """Look at the machine through one whole reading, and say what a person should know about its answers."""
    facts = request.ownership.describing | {"comm", "uids", "cmdline", "exe", "fds"}
    owned = request.read(ProcessQuery(facts), order="processes first")
    pairs = list(owned.pairs)
    request.accounts.get(request.caller.uid or 0)  # a name service that does not answer becomes a trouble
    processes = [process for process, _ in pairs]
    sessions = [session for session, _ in described(request, pairs)]
    whole = request.sees_everything
    return [
        _rights(request.caller),
        *request.ownership.checks(request.machine),
        _listing(processes, whole=whole),
        *_readable(processes, facts | request.ownership.facts, whole=whole),
        *_logins(request, owned.logons, sessions),
        *_unvouched(sessions),
        *(Check(trouble.what, False, trouble.why, trouble.do) for trouble in request.look.troubles),
    ]


def _rights(caller: Caller) -> Check:
    if caller.administrator:
        return Check("rights", True, f"{caller.name} sees every logon session", "")
    return Check("rights", None, f"{caller.name} sees only its own logon sessions", "as root you see all of them")


def _listing(processes: Sequence[Process], *, whole: bool) -> Check:
    if whole and not any(process.pid == 1 for process in processes):
        return Check(
            "/proc", False, "process 1 is not to be seen: hidepid, or a /proc of another pid namespace",
            "run as root outside the container, or in the group that /proc is mounted for (gid=)",
        )  # fmt: skip
    return Check("/proc", True, f"{len(processes)} processes to be seen", "")


def _readable(processes: Sequence[Process], facts: Facts, *, whole: bool) -> Iterator[Check]:
    telling = _one_of_each_file(facts)
    reasons = Counter(
        (fact, reason)
        for process in processes
        for fact, reason in (process.unread or {}).items()
        if fact in telling and reason != "No such file or directory"  # kernel threads and zombies have no executable
    )
    for (fact, reason), count in sorted(reasons.items()):
        advice = "it takes CAP_SYS_PTRACE, and no security module in the way"
        yield Check(
            f"fact {fact}", None, f"not readable of {count} of {len(processes)} processes: {reason}",
            advice if whole else "read it as root",
        )  # fmt: skip


def _one_of_each_file(facts: Facts) -> frozenset[str]:
    """Return of the facts that come from one file the first: it speaks for the others."""
    return frozenset({FILE_OF[fact]: fact for fact in sorted(facts, reverse=True)}.values())


def _logins(request: Request, logons: LogonIndex, sessions: Sequence[LogonSession]) -> Iterator[Check]:
    recorded = {logon: login for logon, login in logons.logins.items() if login.recorded}
    logins = {logon: login for logon, login in recorded.items() if request.visibility.sees_login(login)}
    if logins:
        yield Check("login service", True, f"{len(logins)} logins known", "")
    else:
        yield Check(
            "login service", None, "no record of any login: no remote host, service, state or leftovers are known",
            "run systemd-logind or elogind, and pam_systemd in the PAM stack, where you want them",
        )  # fmt: skip
    for key, sharers in sorted(logons.shared.items()):
        seen = sorted(login.id for logon, login in logins.items() if logon in sharers)
        if seen:
            yield Check(
                f"{request.ownership.key_noun} {key}", None, f"shared by logins that do not own it: {_listed(seen)}",
                "a login daemon was restarted from inside a login; restart it with `systemctl restart`",
            )  # fmt: skip
    present = {session.logon_id for session in sessions}
    if leaked := sorted(login.id for logon, login in logins.items() if logon not in present):
        yield Check(
            "login records", None, f"{len(leaked)} without any process: {_listed(leaked)}",
            "the login service leaked them; `loginctl terminate-session ID` removes one",
        )  # fmt: skip


def _unvouched(sessions: Sequence[LogonSession]) -> Iterator[Check]:
    ids = [session.logon_id for session in sessions if session.vouched_by is None and session.logon_type != 0]
    if ids:
        yield Check(
            "logon sessions", None, f"{len(ids)} that no login service vouches for: {_listed(ids)}",
            "what runs in them tells what they are: a job of cron or at, or a login without pam_systemd",
        )  # fmt: skip


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_MOST_LISTED]) + (", ..." if len(ids) > _MOST_LISTED else "")
