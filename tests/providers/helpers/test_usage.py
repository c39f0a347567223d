"""providers/helpers/usage.py: a sum has what is known, and what is missing is counted."""

from logonscope.facts import Machine, Process
from logonscope.providers.helpers.usage import USAGE_FACTS, count_unread, sum_usage

KNOWN = Process(
    7, uids=(0,) * 4, utime=150, stime=50, vm_rss=4096, rss_anon=1024, vm_swap=512, rchar=10, wchar=20
)  # fmt: skip
MACHINE = Machine("web1", ticks=100)


def test_values_are_summed_up() -> None:
    usage = sum_usage([KNOWN, KNOWN._replace(pid=8)], MACHINE)
    assert usage == (2, 0, 3.0, 1.0, 8192, 3072, 20, 40)


def test_a_process_without_memory_is_no_gap() -> None:
    kernel_thread = KNOWN._replace(vm_rss=None, rss_anon=None, vm_swap=None)
    assert sum_usage([KNOWN, kernel_thread], MACHINE)[:7] == (2, 0, 3.0, 1.0, 4096, 1536, 20)


def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    masked = KNOWN._replace(rchar=None, wchar=None, unread={"rchar": "no", "wchar": "no"})
    usage = sum_usage([KNOWN, masked], MACHINE)
    assert (usage.unread_count, usage.read, usage.written, usage.resident) == (1, 10, 20, 8192)
    assert sum_usage([masked], MACHINE)[6:] == (None, None)
    assert count_unread([Process(9)]) == 1
    assert sum_usage([], MACHINE) == (0, 0, *(None,) * 6)


def test_the_facts_are_those_of_a_process() -> None:
    assert set(Process._fields) >= USAGE_FACTS
