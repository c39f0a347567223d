"""Tests of ownership by random histories: a process keeps its owner, whatever else happens.

Each history is looked at after every event: by a source that remembers earlier looks, which must always be right, and
by one that does not, which must be right as long as the machine shows whose each process is. What nothing shows any
more is the table of docs/decisions/0020; each of its histories stands at the end.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from logonscope.broker import Request
from logonscope.broker.session_processes import read_pairs
from logonscope.broker.sessions import sessions
from logonscope.broker.whose import session_of
from logonscope.facts import Login
from logonscope.machine import Look, Source
from logonscope.ownership import LINUX
from logonscope.ownership.join import join_of_login
from logonscope.sources.linux import LinuxSource
from tests.hosts import ROOT
from tests.ownership.histories import UNSET, Person, Task, World

ALICE, BOB = 1000, 1001


class RememberingSource(LinuxSource):
    """A source that remembers of each login the strongest join, what was ever proved, and what its record said."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._known: dict[tuple[str, int | None], Login] = {}

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        now = {(login.id, login.scope_inode): login for login in super().logins(look)}
        for name, login in now.items():
            before = self._known.get(name, login)
            join = join_of_login(before) or join_of_login(login)
            recorded = before._replace(process=None, gone=True) if before.recorded and not login.recorded else login
            inherited = login.inherited if before.inherited is None else before.inherited
            self._known[name] = recorded._replace(remembered=join and join.kernel_id, inherited=inherited)
        for name in self._known.keys() - now.keys():
            self._known[name] = self._known[name]._replace(process=None, gone=True)
        return [login for login in self._known.values() if ids is None or login.id in ids]


def owners(source: Source) -> dict[int, str]:
    """Return the LogonId of every process; asked of each by itself the answer has to be the same, values included."""
    request = Request(source, LINUX, ROOT)
    owned = dict(read_pairs(request))
    whole = {session.logon_id: session for session in sessions(Request(source, LINUX, ROOT))}
    for pid, logon_id in owned.items():
        alone = session_of(Request(source, LINUX, ROOT), pid).session
        assert alone == whole[logon_id]._replace(processes=None, leftovers=None)
    return owned


class Watch:
    """Looks at a world after every event."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._remembering = RememberingSource(str(world.host.root))

    def look(self) -> dict[int, str]:
        """Hold what both sources say against the world; return what the one without a memory says."""
        tasks = self.world.tasks
        remembered, seen = owners(self._remembering), owners(LinuxSource(str(self.world.host.root)))
        assert remembered.pop(1) == seen.pop(1) == str(UNSET)
        assert remembered == {pid: task.logon for pid, task in tasks.items()}
        shown = {pid: task.logon for pid, task in tasks.items() if self._is_shown(task)}
        assert {pid: seen[pid] for pid in shown} == shown
        assert seen.keys() == tasks.keys()
        return seen

    def _is_shown(self, task: Task) -> bool:
        person, world = task.person, self.world
        if person is None or task.cgroup != person.scope:
            return True
        if person.owns and world.container and not person.recorded:  # whether it is the older one is not sure any more
            sharers = (other for other in world.people if other.key == person.key and other is not person)
            return all(world.is_provable(sharer) for sharer in sharers if world.members(sharer.scope))
        return world.is_provable(person)


def happens(world: World, event: str, which: int) -> None:
    """Let an event happen to one of those it can happen to; nothing, where there is none."""

    def one(found: Sequence[Person]) -> Person | None:
        return found[which % len(found)] if found else None

    uid = (ALICE, BOB)[which % 2]
    alive = {id(task.person) for task in world.tasks.values()}
    logins = [person for person in world.people if person.name and id(person) in alive]
    if event == "log in":
        world.log_in(uid, helper=which % 3 == 0, reuse=which % 5 == 0)
    elif event == "log in through a daemon":
        if not world.daemons:
            world.start_daemon(one([person for person in logins if person.owns]) or world.log_in(uid))
            world.wait(which * 5)
        daemon = sorted(world.daemons)[which % len(world.daemons)]
        later = world.log_in(uid if which % 4 == 0 else world.daemons[daemon].uid, daemon=daemon, reuse=which % 5 == 0)
        world.spawn(later, later.leader, "sleep", later.scope)
    elif event == "start a daemon" and (person := one([person for person in logins if person.owns])):
        world.start_daemon(person)
    elif event == "fork" and (person := one([person for person in logins if world.is_in_scope(person)])):
        world.spawn(person, 1, "sleep", person.scope, reuse=which % 3 == 0)
    elif event == "leave" and (person := one([person for person in logins if person.key != UNSET])):
        world.leave_scope(person)
    elif event == "end" and len(world.tasks) > 1:
        world.end(sorted(world.tasks.keys() - {700})[which % (len(world.tasks) - 1)])
    elif event == "end a leader" and (person := one([one for one in logins if one.leader_start != -1])):
        world.end(person.leader)
    elif event == "forget" and (person := one([person for person in logins if person.recorded])):
        world.forget(person)
    elif event == "wait":
        world.wait(which * 10)
    elif event == "su":
        world.switch_user(uid)
    elif event == "job":
        world.run_job(uid)


EVENTS = (
    "log in through a daemon", "end a leader", "end", "log in", "fork", "leave", "wait", "end a leader", "su",
    "start a daemon", "job", "forget",
)  # fmt: skip
NUMBERED_IN_ORDER = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 -- a folder with a name of its own in it
"""A file system that numbers its inodes one after another, as that of cgroups does."""

QUICKLY = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: a history is short, and each step of shrinking plays it again from the boot."""

histories = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 59)), min_size=4, max_size=14)


@given(histories, st.booleans())
@settings(max_examples=int(os.environ.get("LOGONSCOPE_HISTORIES", "120")), phases=QUICKLY)
def test_a_process_keeps_its_owner_through_any_history(history: list[tuple[str, int]], container: bool) -> None:
    with tempfile.TemporaryDirectory(dir=NUMBERED_IN_ORDER) as folder:
        watch = Watch(World.made(Path(folder), container=container))
        watch.look()
        for event, which in history:
            happens(watch.world, event, which)
            watch.look()


# What nothing shows any more: the table of docs/decisions/0020, row by row. With a memory nothing changes.


def made(tmp_path: Path, *, container: bool) -> Watch:
    """Return a machine to be looked at."""
    return Watch(World.made(tmp_path, container=container))


def through_a_daemon(watch: Watch) -> tuple[Person, int, Person]:
    """Log alice in, start an sshd there, and log her in through it a while later."""
    first = watch.world.log_in(ALICE)
    daemon = watch.world.start_daemon(first)
    watch.world.wait(500)
    return first, daemon, watch.world.log_in(ALICE, daemon=daemon)


def session(watch: Watch, pid: int) -> tuple[str, str | None]:
    """Return the LogonId and the login service's name of the login of a process, without a memory."""
    found = session_of(Request(LinuxSource(str(watch.world.host.root)), LINUX, ROOT), pid).session
    return found.logon_id, found.login


def test_in_a_container_a_record_is_lost_with_its_leader_where_the_scope_is_empty(tmp_path: Path) -> None:
    watch = made(tmp_path, container=True)
    person = watch.world.log_in(ALICE)
    outside = watch.world.spawn(person, 1, "tmux", "/user.slice/user-1000.slice/user@1000.service/run-1.scope")
    assert session(watch, outside.pid) == ("41", "c1")
    watch.world.end(person.leader)
    assert watch.look()[outside.pid] == "41"  # the owner stays
    assert session(watch, outside.pid) == ("41", None)  # but not who it was


def test_a_process_that_leaves_the_scope_of_a_login_that_shares_an_id_has_that_id(tmp_path: Path) -> None:
    watch = made(tmp_path, container=False)
    _, _, later = through_a_daemon(watch)
    watch.world.leave_scope(later)
    outside = max(watch.world.tasks)
    assert (watch.look()[later.leader], watch.look()[outside]) == (str((1 << 32) + 1), "41")


@pytest.mark.parametrize("container", [True, False])
def test_an_inherited_id_is_taken_for_the_logins_own_once_all_that_is_older_is_gone(
    tmp_path: Path, *, container: bool
) -> None:
    watch = made(tmp_path, container=container)
    first, daemon, _ = through_a_daemon(watch)
    watch.world.end(first.leader)
    watch.world.forget(first) if first.recorded else None
    later = watch.world.log_in(ALICE, daemon=daemon)  # logind numbers it after the id that is free now
    left = watch.world.spawn(later, 1, "sleep", later.scope)
    for other in [
        pid for pid, task in watch.world.tasks.items() if task.person is not later and pid not in {700, daemon}
    ]:
        watch.world.end(other)
    own = later.logon
    assert (own == str((1 << 32) + 3)) is container
    assert watch.look()[left.pid] == own
    watch.world.end(daemon)
    watch.world.end(later.leader)
    assert watch.look()[left.pid] == "41"


def test_outside_a_container_a_login_that_logind_calls_cn_is_never_taken_for_the_owner(tmp_path: Path) -> None:
    watch = made(tmp_path, container=False)
    first, daemon, later = through_a_daemon(watch)
    left = watch.world.spawn(later, 1, "sleep", later.scope)
    for pid in (first.leader, daemon, later.leader):
        watch.world.end(pid)
        assert watch.look()[left.pid] == str((1 << 32) + 1)
