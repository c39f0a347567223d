"""The reader of single processes: what it reads is what the kernel shows, and threads are no processes."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from logonscope.facts import UNSET
from logonscope.sources.live.entries import UNREAD, ReadFacts
from logonscope.sources.live.proc_reader import MAX_SINGLE_CHECKS, READ_SECONDS, ProcReader
from logonscope.sources.live.write_watch import CgroupMount
from tests.lab.hung_process import hung_execution
from tests.lab.systemd import wait_until


def test_this_process_is_read() -> None:
    reader = ProcReader("/proc", ())
    facts = reader.read(os.getpid())
    assert isinstance(facts, ReadFacts)
    assert facts.parent == os.getppid()
    with open("/proc/self/sessionid", encoding="ascii") as file:
        assert facts.ses == int(file.read())
    assert os.getpid() in set(reader.pids())


def test_a_zombie_exists_until_it_is_waited_for() -> None:
    reader = ProcReader("/proc", ())
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child.pid in reader.existing([child.pid])
    assert reader.read(child.pid) is not None
    child.wait()
    assert child.pid not in reader.existing([child.pid])
    assert reader.read(child.pid) is None
    assert reader.read_thread(child.pid) is None


def test_a_process_exists_although_no_descriptor_is_left() -> None:
    script = (
        "import os, resource\n"
        "from logonscope.sources.live.proc_reader import ProcReader\n"
        "reader = ProcReader('/proc', ())\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n"
        "assert os.getpid() in reader.existing([os.getpid()])\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_many_processes_are_looked_for_in_a_list() -> None:
    reader = ProcReader("/proc", ())
    existing = reader.existing([os.getpid(), *range(1 << 22, (1 << 22) + MAX_SINGLE_CHECKS)])
    assert os.getpid() in existing
    assert 1 << 22 not in existing


def test_a_thread_is_read_with_its_process_and_is_none_itself() -> None:
    reader, done = ProcReader("/proc", ()), threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    facts = reader.read_thread(thread.native_id or 0)
    assert facts is not None
    assert facts.process == os.getpid()
    assert not facts.is_only
    assert not reader.existing([thread.native_id or 0])
    done.set()
    thread.join()


def test_the_members_of_a_cgroup_are_those_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "cgroup/a b"
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").write_text("7\n8\n")
    reader = ProcReader("/proc", [CgroupMount(f"{tmp_path}/cgroup", "/outer")])
    assert list(reader.members("/outer/a b")) == [7, 8]
    assert list(reader.members("/other/a b")) == []
    assert list(reader.members("/outer/none")) == []


def test_a_process_without_a_login_has_the_kernels_own_value() -> None:
    facts = ProcReader("/proc", ()).read(1)
    assert facts is None or (isinstance(facts, ReadFacts) and facts.ses == UNSET)


def test_a_process_whose_reading_hangs_is_unread_and_the_others_are_read() -> None:
    reader, seconds = ProcReader("/proc", ()), 10 * READ_SECONDS
    with hung_execution() as execution:
        began = time.monotonic()
        assert reader.read(execution.child) is UNREAD
        assert time.monotonic() - began < seconds
        readings = dict(reader.read_each([os.getpid(), execution.child, execution.parent, 1 << 22]))
        assert time.monotonic() - began < seconds
        assert readings[os.getpid()] == reader.read(os.getpid())
        assert readings[execution.child] is UNREAD
        # that of the parent does not hang: its memory alone does
        assert isinstance(readings[execution.parent], ReadFacts)
        assert readings[1 << 22] is None
        execution.go_on()
        wait_until(lambda: isinstance(reader.read(execution.child), ReadFacts))
