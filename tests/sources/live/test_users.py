"""Tests of sources/live/users.py: which executions change a user, and when a process had a set-user-ID program."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from logonscope.sources.live.entries import Entry, Place, ProcessReader, ReadFacts, State
from logonscope.sources.live.users import MAX_ELEVATIONS, UserStep, UserTracker

ALICE, BOB = 1000, 1001


class NamedProcesses(ProcessReader):
    """Processes of which only the name is read."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}

    def read(self, pid: int) -> ReadFacts | None:
        """Read a process."""
        return ReadFacts(0, 1, 7, ALICE, "/", self.names[pid]) if pid in self.names else None

    def read_thread(self, thread: int) -> None:
        """Read no thread."""

    def exists(self, pid: int) -> bool:
        """Return whether there is a process."""
        return pid in self.names

    def existing(self, pids: Collection[int]) -> AbstractSet[int]:
        """Return those of the processes that there are."""
        return self.names.keys() & pids

    def members(self, cgroup: str) -> tuple[int, ...]:
        """Return no processes."""
        del cgroup
        return ()

    def pids(self) -> tuple[int, ...]:
        """Return all processes."""
        return tuple(self.names)


class Story:
    """A tracker, and what it reported."""

    def __init__(self) -> None:
        self.reader = NamedProcesses()
        self.tracker = UserTracker(self.reader)
        self.steps: list[UserStep] = []
        self.tracker.report = self.steps.append
        self.now = 0

    def process(self, pid: int, parent: Entry | None = None, name: str = "sh") -> Entry:
        """Start a process."""
        entry = Entry(pid, 0, 0, 1, Place(7, ALICE, "/"))
        self.reader.names[pid] = name
        if parent is not None:
            entry.users = parent.users
        return entry

    def becomes(self, entry: Entry, real: int, effective: int) -> None:
        """Change its uids."""
        self.tracker.note_uids(entry, real, effective)

    def executes(self, entry: Entry, name: str) -> int:
        """Execute a program; return the moment."""
        self.now += 10
        self.reader.names[entry.pid] = name
        self.tracker.note_exec(entry, self.now, lambda entry: State(entry.pid, 0, None, 7, ALICE, "/"))
        return self.now

    def changes(self) -> list[tuple[int | None, int, bool, str | None]]:
        """Return the changes."""
        return [(step.from_uid, step.to_uid, step.is_complete, step.program) for step in self.steps]


def test_sudo_elevates_and_its_command_is_a_complete_change() -> None:
    story = Story()
    sudo = story.process(5)
    story.becomes(sudo, ALICE, 0)
    since = story.executes(sudo, "sudo")
    # flips of a program are no changes
    story.becomes(sudo, ALICE, ALICE)
    story.becomes(sudo, ALICE, 0)
    child = story.process(6, sudo, "sudo")
    story.becomes(child, 0, 0)
    story.executes(child, "systemctl")
    assert story.changes() == [(ALICE, 0, False, "sudo"), (ALICE, 0, True, "systemctl")]
    elevation = story.steps[1].elevation
    assert elevation is not None
    assert (elevation.pid, elevation.name, elevation.until) == (5, "sudo", None)
    assert [story.tracker.was_elevated(5, moment) for moment in (since - 1, since, since + 99)] == [False, True, True]
    assert not story.tracker.was_elevated(6, since)
    story.tracker.note_end(5, 500)
    assert [story.tracker.was_elevated(5, moment) for moment in (500, 501)] == [True, False]


def test_a_set_user_id_program_of_another_user_is_no_source_of_trusted_lines() -> None:
    story = Story()
    process = story.process(5)
    story.becomes(process, ALICE, BOB)
    since = story.executes(process, "mine")
    assert story.changes() == [(ALICE, BOB, False, "mine")]
    assert not story.tracker.was_elevated(5, since)


def test_what_is_executed_after_the_rights_were_given_back_is_no_change() -> None:
    story = Story()
    process = story.process(5)
    story.becomes(process, ALICE, 0)
    story.executes(process, "passwd")
    story.becomes(process, ALICE, ALICE)
    moment = story.executes(process, "sh")
    assert story.changes() == [(ALICE, 0, False, "passwd")]
    assert not story.tracker.was_elevated(5, moment + 1)


def test_a_daemon_that_drops_its_rights_is_a_change_only_if_it_executes_a_program() -> None:
    story = Story()
    daemon = story.process(5)
    story.becomes(daemon, BOB, BOB)
    assert story.changes() == []
    story.executes(daemon, "worker")
    # what it was before is not known
    assert story.changes() == [(None, BOB, True, "worker")]
    root = story.process(6)
    story.becomes(root, 0, 0)
    story.executes(root, "apt")
    assert len(story.steps) == 1


def test_root_without_a_program_that_gives_it_is_a_change() -> None:
    story = Story()
    shell = story.process(5)
    story.becomes(shell, ALICE, ALICE)
    story.executes(shell, "sh")
    # as after a hole in the kernel: no set-user-ID program was executed
    story.becomes(shell, 0, 0)
    story.executes(shell, "sh")
    step = story.steps[-1]
    assert (step.from_uid, step.to_uid, step.is_complete, step.elevation) == (ALICE, 0, True, None)


def test_the_memory_of_set_user_id_programs_is_bounded() -> None:
    story = Story()
    for pid in range(10, MAX_ELEVATIONS + 20):
        process = story.process(pid)
        story.becomes(process, ALICE, 0)
        story.executes(process, "su")
    assert not story.tracker.was_elevated(10, story.now)
    assert story.tracker.was_elevated(MAX_ELEVATIONS + 19, story.now)
