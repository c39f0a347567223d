"""Changes of user and failed logins as events: what the kernel and login programs reported, with owners.

A change to the login's own user is no event if it is complete, which means that the real uid changed, too: that is how
every login, cron job and user manager begins. A change of user in the System session is no event either.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from logonscope.facts import UNSET, Process, UserChange
from logonscope.machine import Look, Owner, Ownership, Source
from logonscope.machine.events import Event, EventHead, LogonFailed, UserChanged
from logonscope.sources.live.entries import Entry
from logonscope.sources.live.login_reports import Report
from logonscope.sources.live.users import UserStep

SUDO_SECONDS = 0.5
"""Seconds for which a change of user through sudo waits for sudo's log line, which is written before the change."""

MAX_STEPS, MAX_COMMANDS = 10_000, 1024
"""Maximum number of changes of user that wait, and of commands of sudo that are remembered."""

SUDO = "sudo"
KERNEL, WITH_SUDO = "kernel", "kernel, sudo's line in the journal"
_SYSTEM = "none"  # evidence of a process that no login started

OwnerOf = Callable[[Process], Owner]
EventMaker = Callable[[EventHead], Event]


class _WaitingStep(NamedTuple):
    """A change of user, and until when it waits for the line that sudo logs."""

    due: float  # monotonic seconds
    step: UserStep


class UserChanges:
    """Changes of user that are not in the stream yet, and the commands that sudo logged for them."""

    def __init__(self, source: Source, ownership: Ownership) -> None:
        """Begin without changes.

        Args:
            source: reads accounts.
            ownership: decides whether a uid belongs to a container: then this host has no account name for it.
        """
        self._source, self._ownership = source, ownership
        self._waiting: deque[_WaitingStep] = deque(maxlen=MAX_STEPS)
        self._commands: OrderedDict[int, tuple[int, str]] = OrderedDict()  # pid of sudo -> moment, command

    def __repr__(self) -> str:
        return f"<UserChanges, {len(self._waiting)} waiting>"

    def add(self, step: UserStep) -> None:
        """Add a change."""
        # the name is None if the program ended before its name was read
        may_be_sudo = step.is_complete and step.elevation is not None and step.elevation.name in {SUDO, None}
        self._waiting.append(_WaitingStep(time.monotonic() + (SUDO_SECONDS if may_be_sudo else 0), step))

    def add_commands(self, reports: Sequence[Report]) -> None:
        """Add the commands that sudo logged."""
        for report in reports:
            if report.command is not None:
                self._commands[report.pid] = report.monotonic_ns, report.command
                self._commands.move_to_end(report.pid)
                if len(self._commands) > MAX_COMMANDS:
                    self._commands.popitem(last=False)

    def clear(self) -> None:
        """Drop the changes that wait and the remembered commands."""
        self._waiting.clear()
        self._commands.clear()

    @property
    def next_due(self) -> float | None:
        """Return the monotonic second at which the first change has waited long enough; None: no change waits."""
        return min((waiting.due for waiting in self._waiting), default=None)

    def makers(self, owner_of: OwnerOf) -> Iterator[tuple[int, EventMaker]]:
        """Yield the moment and the maker of each change that is an event and need not wait for sudo's line any more."""
        now = time.monotonic()
        for _ in range(len(self._waiting)):
            waiting = self._waiting.popleft()
            command = self._command_of(waiting.step)
            if command is None and waiting.due > now:
                self._waiting.append(waiting)
                continue
            step = waiting.step
            state = step.state
            process = Process(
                state.pid, ses=state.ses, loginuid=state.loginuid, cgroup=state.cgroup, start=state.start,
                ppid=None if state.parent is None else state.parent[0], comm=step.program,
            )  # fmt: skip
            owner = owner_of(process)
            # if the login uid was not read, a change from root, or from an unknown user, is most likely the login
            is_likely_login = state.loginuid is None and step.from_uid in {0, None}
            is_login = step.is_complete and (step.to_uid == state.loginuid or is_likely_login)
            if owner.evidence != _SYSTEM and not is_login:
                yield step.kernel_ns, partial(self._make, process, owner, step, command)

    def _command_of(self, step: UserStep) -> str | None:
        """Return the command that sudo logged, if sudo made this change possible."""
        elevation = step.elevation
        if elevation is None or not step.is_complete:
            return None
        moment, command = self._commands.get(elevation.pid, (0, None))
        # another sudo may have had this pid before
        return command if elevation.since <= moment <= step.kernel_ns else None

    def _make(self, process: Process, owner: Owner, step: UserStep, command: str | None, head: EventHead) -> Event:
        from_user, to_user = self._account_names(process, step)
        through = None if step.elevation is None or not step.is_complete else step.elevation.name
        if command is not None:
            through = SUDO
        source = KERNEL if command is None else WITH_SUDO
        change = UserChange(
            step.from_uid, from_user, step.to_uid, to_user, step.is_complete, step.program, through, command, source
        )
        return UserChanged(head, process, owner, change)

    def _account_names(self, process: Process, step: UserStep) -> tuple[str | None, str | None]:
        """Return the account names of the two uids; None: the uid has no name on this host, or is a container's."""
        look = Look()
        machine = self._source.machine(look)
        names = list[str | None]()
        for uid in (step.from_uid, step.to_uid):
            is_foreign = self._ownership.is_foreign_uid(process, uid, machine)
            account = None if uid is None or is_foreign else self._source.account(look, uid)
            names.append(account and account.name)
        return names[0], names[1]


def attempt_makers(
    reports: Sequence[Report], process_at: Callable[[int, int], Entry | None], owner_of: OwnerOf
) -> Iterator[tuple[int, EventMaker]]:
    """Yield the moment and the maker of the event of each failed login."""
    for report in reports:
        attempt = report.attempt
        if attempt is None:
            continue
        ses, cgroup = report.ses, report.cgroup
        entry = process_at(report.pid, report.monotonic_ns)
        # journald reads session and cgroup a moment after the line was logged: the process may have ended by then
        if entry is not None and (ses is None or cgroup is None):
            ses, cgroup = entry.place.ses, entry.place.cgroup
        # journald leaves out an audit session that is not set
        if ses is None and cgroup is not None:
            ses = UNSET
        unread = {"ses": NOT_READ, "cgroup": NOT_READ} if ses is None or cgroup is None else None
        owner = owner_of(Process(report.pid, ses=ses, cgroup=cgroup, unread=unread))
        yield report.monotonic_ns, partial(LogonFailed, attempt=attempt, owner=owner)


NOT_READ = "logon not read: the log does not name it"
"""The reason why the facts that decide the logon session of a login program are not known."""
