"""sources/linux/machine.py: is the machine described by what it shows, and by nothing where it shows nothing?"""

import shutil

from logonscope.facts import Machine, Needs
from tests.hosts import BOOT, TICKS, HostFolder


def described(host: HostFolder) -> Machine:
    """Return the machine."""
    return host.observe().machine


def test_a_whole_machine(host: HostFolder) -> None:
    host.write("etc/login.defs", "UID_MIN 500\n")
    machine = described(host)
    assert machine.hostname == "testhost"
    assert machine.boot_id == "11111111-2222-3333-4444-555555555555"
    assert (machine.btime, machine.ticks) == (BOOT, TICKS)
    assert (machine.kernel, machine.system) == ("6.1.0-test", "Test Linux 1")
    assert (machine.audit, machine.uid_min) == (True, 500)


def test_a_machine_that_shows_little(host: HostFolder) -> None:
    shutil.rmtree(host.root / "proc/sys")
    shutil.rmtree(host.root / "proc/self")
    (host.root / "etc/os-release").unlink()
    machine = described(host)
    assert (machine.hostname, machine.boot_id, machine.kernel, machine.system) == ("localhost", None, "", None)
    assert (machine.audit, machine.uid_min) == (False, 1000)


def test_the_other_place_of_os_release(host: HostFolder) -> None:
    (host.root / "etc/os-release").unlink()
    host.write("usr/lib/os-release", "PRETTY_NAME='Elsewhere'\n")
    assert described(host).system == "Elsewhere"


def test_a_machine_without_a_boot_time_is_trouble_in_every_look(host: HostFolder) -> None:
    host.write("proc/stat", "cpu 1 2 3\n")
    source = host.source
    for _ in range(2):
        snapshot = source.observe(Needs())
        assert snapshot.machine.btime is None
        assert [trouble.what for trouble in snapshot.troubles] == ["/proc/stat"]


def test_a_name_that_is_no_text_is_kept(host: HostFolder) -> None:
    host.write("proc/sys/kernel/hostname", b"h\xff\n")
    assert described(host).hostname == "h\udcff"
