"""Which first threads have ended by themselves, and which with their process."""

import pytest

from logonscope.sources.live.entries import Entry, ReadFacts, Reading
from logonscope.sources.live.outlived import CHECK_NS, END_NOT_SEEN, OutlivedThreads
from logonscope.sources.live.places import Places
from tests.sources.live.kernel_model import KernelModel

READ = ReadFacts(5, 1, 7, 1000, "/a", is_zombie=True, has_other_threads=True)


class OneProcess(KernelModel):
    """A reader of one process."""

    facts: Reading = READ

    def read(self, pid: int) -> Reading:
        """Read the process."""
        del pid
        return self.facts


def ended_entry() -> Entry:
    entry = Entry(10, 5, 0, 1, Places().get((7, 1000, "/a")))
    entry.ended, entry.status = 100, 256
    return entry


@pytest.mark.parametrize(
    ("facts", "is_alone"),
    [
        (READ, False),
        (READ._replace(has_other_threads=False), True),
        (READ._replace(is_zombie=False), True),
        (READ._replace(start=500), True),
        (None, True),
    ],
    ids=["others run", "zombie", "another process", "later process", "gone"],
)
def test_the_end_is_kept_unless_others_run(facts: Reading, is_alone: bool) -> None:
    reader, entry = OneProcess(), ended_entry()
    reader.facts, reader.now = facts, 100
    threads = OutlivedThreads(reader, lambda: reader.now)
    threads.add([entry])
    threads.check({10: entry})
    # too early: those of a process that ends may not have ended yet
    assert (entry.ended, entry.status, threads.has_due) == (100, 256, False)
    reader.now += CHECK_NS
    assert threads.has_due
    threads.check({10: entry})
    assert (entry.ended, entry.status) == ((100, 256) if is_alone else (END_NOT_SEEN, None))
    assert threads.is_waiting is not is_alone
    threads.check({})
    assert not threads.is_waiting


def test_a_process_that_executes_a_program_has_a_first_thread_again() -> None:
    reader, entry = OneProcess(), ended_entry()
    reader.now = 100 + CHECK_NS
    threads = OutlivedThreads(reader, lambda: reader.now)
    threads.add([entry])
    threads.check({10: entry})
    assert threads.is_waiting
    entry.ended = 0
    threads.check({10: entry})
    assert not threads.is_waiting
