"""What can be read here, with which rights, what is missing, and how to get it?"""

from collections import Counter
from collections.abc import Iterator, Sequence

from logonscope.broker.view import Broker, View, gather
from logonscope.facts import Check, LogonSession, Needs, Process
from logonscope.ownership import Joined

_FACTS = frozenset({"ses", "loginuid", "cgroup", "comm", "uids", "rchar", "cmdline", "exe", "fds"})


def doctor(broker: Broker, sessions: Sequence[LogonSession]) -> list[Check]:
    """Look at the machine through one whole reading, and say what a person should know about its answers."""
    view = gather(broker, Needs(process=_FACTS))
    processes = [process for process, _ in view.owned]
    view.snapshot.accounts.get(broker.caller.uid or 0)  # a name service that does not answer becomes a trouble
    return [
        *_rights(broker),
        *_kernel(view, processes, broker),
        *_readable(processes),
        *_logins(view.joined, sessions),
        *(Check(trouble.what, False, trouble.why, trouble.do) for trouble in view.snapshot.troubles),
    ]


def _rights(broker: Broker) -> Iterator[Check]:
    caller = broker.caller
    if caller.administrator:
        yield Check("rights", True, f"{caller.name} sees every logon session", "")
    else:
        yield Check("rights", None, f"{caller.name} sees only its own logon sessions", "use sudo to see all of them")


def _kernel(view: View, processes: Sequence[Process], broker: Broker) -> Iterator[Check]:
    machine = view.snapshot.machine
    if machine.audit:
        yield Check("kernel ids", True, "the kernel keeps an audit session id for every process", "")
    else:
        yield Check(
            "kernel ids", False, "this kernel keeps no audit session ids: logins are told apart by cgroup alone",
            "use a kernel built with CONFIG_AUDIT",
        )  # fmt: skip
    if broker.caller.administrator and not any(process.pid == 1 for process in processes):
        yield Check(
            "/proc", False, "process 1 is not to be seen: hidepid, or a /proc of another pid namespace",
            "run as root outside the container, or in the group that /proc is mounted for (gid=)",
        )  # fmt: skip
    else:
        yield Check("/proc", True, f"{len(processes)} processes to be seen", "")


def _readable(processes: Sequence[Process]) -> Iterator[Check]:
    reasons = Counter(
        (fact, reason)
        for process in processes
        for fact, reason in (process.unread or {}).items()
        if reason != "No such file or directory"  # kernel threads and zombies have no executable
    )
    for (fact, reason), count in sorted(reasons.items()):
        yield Check(f"fact {fact}", None, f"not readable of {count} processes: {reason}", "use sudo to read it")


def _logins(joined: Joined, sessions: Sequence[LogonSession]) -> Iterator[Check]:
    present = {session.logon_id for session in sessions}
    if joined.by_logon:
        yield Check("login service", True, f"{len(joined.by_logon)} logins known", "")
    else:
        yield Check(
            "login service", None, "no login service has a record: no remote host, service or state of any login",
            "run systemd-logind or elogind, and pam_systemd in the PAM stack, where you want them",
        )  # fmt: skip
    for kernel, sharers in sorted(joined.shared.items()):
        owner = "another login" if str(kernel) in joined.by_logon else "no login"
        names = ", ".join(sorted(sharers))
        yield Check(
            f"kernel id {kernel}", None, f"shared by {len(sharers)} logins, owned by {owner}: {names}",
            "a login daemon was restarted from inside a login; restart it with `systemctl restart`",
        )  # fmt: skip
    unvouched = [s for s in sessions if s.vouched_by is None and s.logon_type != 0]
    for session in unvouched:
        yield Check(
            f"logon session {session.logon_id}", None,
            f"no login service vouches for it ({session.user or session.uid}, {session.processes} processes)",
            f"`logonscope ps {session.logon_id}` shows what runs in it",
        )  # fmt: skip
    leaked = sorted(login.id for logon, login in joined.by_logon.items() if logon not in present)
    if leaked:
        yield Check(
            "login records", None, f"{len(leaked)} without any process: {', '.join(leaked[:10])}",
            "the login service leaked them; `loginctl terminate-session ID` removes one",
        )  # fmt: skip
