"""What can be read here, with which rights, what is missing, and how to get it?"""

from collections import Counter
from collections.abc import Iterator, Sequence

from logonscope.answers import Check, LogonSession
from logonscope.broker.access import Caller
from logonscope.broker.sessions import described
from logonscope.broker.view import Broker, View, gather
from logonscope.facts import Process
from logonscope.machine import Needs

_MOST_LISTED = 10
_TELLING = {"ses", "loginuid", "cgroup", "comm", "uids", "cmdline", "exe", "fds"}
"""Facts that speak for all of their file."""

_FACTS = frozenset({"ses", "loginuid", "comm", "uids", "cmdline", "exe", "fds"})


def doctor(broker: Broker) -> list[Check]:
    """Look at the machine through one whole reading, and say what a person should know about its answers."""
    view = gather(broker, Needs(process=_FACTS), strays=True)
    view.snapshot.accounts.get(broker.caller.uid or 0)  # a name service that does not answer becomes a trouble
    processes = [process for process, _ in view.owned]
    sessions = [session for session, _ in described(view)]
    whole = view.sight.everything and broker.source.partial is None
    return [
        _rights(broker.caller),
        *_kernel(view, processes, whole=whole),
        *_readable(processes, whole=whole),
        *_logins(view, sessions),
        *_unvouched(sessions),
        *(Check(trouble.what, False, trouble.why, trouble.do) for trouble in view.snapshot.troubles),
    ]


def _rights(caller: Caller) -> Check:
    if caller.administrator:
        return Check("rights", True, f"{caller.name} sees every logon session", "")
    return Check("rights", None, f"{caller.name} sees only its own logon sessions", "use sudo to see all of them")


def _kernel(view: View, processes: Sequence[Process], *, whole: bool) -> Iterator[Check]:
    machine = view.snapshot.machine
    if machine.audit:
        yield Check("kernel ids", True, "the kernel keeps an audit session id for every process", "")
    else:
        yield Check(
            "kernel ids", False, "this kernel keeps no audit session ids: logins are told apart by cgroup alone",
            "use a kernel built with CONFIG_AUDIT",
        )  # fmt: skip
    if whole and not any(process.pid == 1 for process in processes):
        yield Check(
            "/proc", False, "process 1 is not to be seen: hidepid, or a /proc of another pid namespace",
            "run as root outside the container, or in the group that /proc is mounted for (gid=)",
        )  # fmt: skip
    else:
        yield Check("/proc", True, f"{len(processes)} processes to be seen", "")


def _readable(processes: Sequence[Process], *, whole: bool) -> Iterator[Check]:
    reasons = Counter(
        (fact, reason)
        for process in processes
        for fact, reason in (process.unread or {}).items()
        if fact in _TELLING and reason != "No such file or directory"  # kernel threads and zombies have no executable
    )
    for (fact, reason), count in sorted(reasons.items()):
        advice = "it takes CAP_SYS_PTRACE, and no security module in the way"
        yield Check(
            f"fact {fact}", None, f"not readable of {count} of {len(processes)} processes: {reason}",
            advice if whole else "use sudo to read it",
        )  # fmt: skip


def _logins(view: View, sessions: Sequence[LogonSession]) -> Iterator[Check]:
    logins = {logon: login for logon, login in view.joined.by_logon.items() if view.sight.login(login)}
    if logins:
        yield Check("login service", True, f"{len(logins)} logins known", "")
    else:
        yield Check(
            "login service", None, "no record of any login: no remote host, service, state or leftovers are known",
            "run systemd-logind or elogind, and pam_systemd in the PAM stack, where you want them",
        )  # fmt: skip
    for kernel, sharers in sorted(view.joined.shared.items()):
        seen = sorted(login.id for logon, login in logins.items() if logon in sharers)
        if seen:
            yield Check(
                f"kernel id {kernel}", None, f"shared by logins that do not own it: {_listed(seen)}",
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
            f"`logonscope tree {ids[0]}` shows what runs in one: a job of cron or at, or a login without pam_systemd",
        )  # fmt: skip


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_MOST_LISTED]) + (", ..." if len(ids) > _MOST_LISTED else "")
