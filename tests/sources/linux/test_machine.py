"""Tests of sources/linux/machine.py: facts of the machine; those that cannot be read are None."""

import contextlib
import fcntl
import os
import shutil
import termios
import threading
import time
from pathlib import Path

import pytest

from logonscope.facts import Machine, Platform
from logonscope.machine import Look
from logonscope.sources.linux.machine import BootTime, read_machine, read_platform, wall_clock_at_boot
from tests.hosts import BOOT, TICKS, HostFolder


def described(host: HostFolder) -> Machine:
    """Return the machine."""
    return host.source.machine(Look())


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
    assert (machine.hostname, machine.boot_id, machine.kernel, machine.system) == ("localhost", None, None, None)
    assert (machine.audit, machine.uid_min) == (False, 1000)


def test_the_other_place_of_os_release(host: HostFolder) -> None:
    (host.root / "etc/os-release").unlink()
    host.write("usr/lib/os-release", "PRETTY_NAME='Elsewhere'\n")
    assert described(host).system == "Elsewhere"


def test_a_machine_without_a_boot_time_is_trouble_in_every_look(host: HostFolder) -> None:
    host.write("proc/stat", "cpu 1 2 3\n")
    source = host.source
    for _ in range(2):
        look = Look()
        assert source.machine(look).btime is None
        assert [trouble.subject for trouble in look.troubles] == ["/proc/stat"]


def test_the_hostname_is_the_one_that_the_machine_has_now(host: HostFolder) -> None:
    source, look = host.source, Look()
    assert source.machine(look).hostname == "testhost"
    host.write("proc/sys/kernel/hostname", "renamed\n")
    assert source.machine(look).hostname == "testhost"  # one answer has one name
    assert source.machine(Look()).hostname == "renamed"


def test_a_name_that_is_no_text_is_kept(host: HostFolder) -> None:
    host.write("proc/sys/kernel/hostname", b"h\xff\n")
    assert described(host).hostname == "h\udcff"


CPUINFO = """\
processor\t: 0
physical id\t: 0
flags\t\t: fpu vme {more}

processor\t: 1
physical id\t: 1
flags\t\t: fpu vme {more}
"""


def whole_platform(host: HostFolder, *, more: str = "hypervisor") -> None:
    """Let a host show all that it is made of."""
    host.write("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.1-1\n")
    host.write("proc/sys/kernel/arch", "x86_64\n")
    host.write("proc/sys/kernel/pid_max", "4194304\n")
    host.write("proc/cpuinfo", CPUINFO.format(more=more))
    host.write("proc/stat", "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 0\nbtime 1700000000\n")
    dmi = {"sys_vendor": "QEMU", "product_name": "Standard PC", "product_family": "PC", "product_sku": "pc-q35"}
    for name, word in dmi.items():
        host.write(f"sys/class/dmi/id/{name}", f"{word}\n")


def test_what_a_machine_is_made_of(host: HostFolder) -> None:
    whole_platform(host)
    assert host.source.machine(Look(), frozenset({"platform"})).platform == Platform(
        build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.1-1", architecture="x86_64", processors=2, packages=2,
        hypervisor=True, vendor="QEMU", product="Standard PC", family="PC", sku="pc-q35", pid_max=4_194_304,
    )  # fmt: skip


def test_what_a_machine_does_not_show_of_itself_is_unknown(host: HostFolder) -> None:
    host.write("proc/sys/kernel/pid_max", "many\n")
    assert read_platform(str(host.root)) == Platform()


def test_a_word_that_a_vendor_left_blank_is_unknown(host: HostFolder) -> None:
    host.write("sys/class/dmi/id/product_sku", "\n")
    host.write("sys/class/dmi/id/product_family", " \n")
    found = read_platform(str(host.root))
    assert (found.sku, found.family) == (None, None)


def test_real_hardware_is_no_virtual_machine_and_some_processors_do_not_say(host: HostFolder) -> None:
    whole_platform(host, more="smx")
    assert read_platform(str(host.root)).hypervisor is False
    host.write("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n")
    assert (read_platform(str(host.root)).hypervisor, read_platform(str(host.root)).packages) == (None, None)


def test_the_processors_of_a_large_machine_are_all_read_though_the_kernel_gives_them_in_pieces(
    host: HostFolder,
) -> None:
    whole_platform(host)
    file = host.root / "proc/cpuinfo"
    file.unlink()
    os.mkfifo(file)

    def give() -> None:
        """Write a page, and the next once it is read: one read(2) of a seq_file gives no more."""
        with contextlib.suppress(BrokenPipeError), file.open("wb", buffering=0) as fifo:
            for processor in CPUINFO.format(more="").split("\n\n"):
                fifo.write(processor.encode() + b"\n\n")
                for _ in range(1000):
                    if not any(fcntl.ioctl(fifo, termios.FIONREAD, bytes(4))):
                        break
                    time.sleep(0.001)

    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    found = read_platform(str(host.root))
    thread.join(5)
    assert found.packages == 2


def test_what_this_machine_is_made_of() -> None:
    found, here = read_platform("/"), os.uname()
    assert (found.build, found.architecture) == (here.version, here.machine)
    assert found.processors == os.sysconf("SC_NPROCESSORS_ONLN")
    assert found.pid_max == int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))


@pytest.mark.parametrize(
    ("files", "root_cgroup"),
    [
        ({}, "/docker/3f2a/init.scope"),
        ({".dockerenv": "", "run/systemd/system/x": ""}, "/docker/3f2a/init.scope"),
        # systemd is process 1, outside of containers: its cgroup is known
        ({"run/systemd/system/x": ""}, None),
    ],
)
def test_the_cgroup_of_process_1_is_read_where_the_host_may_be_a_container(
    tmp_path: Path, files: dict[str, str], root_cgroup: str | None
) -> None:
    for name, text in {**files, "proc/1/cgroup": "0::/docker/3f2a/init.scope\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_machine(str(tmp_path)).root_cgroup == root_cgroup
    (tmp_path / "proc/1/cgroup").write_text("damaged")
    assert read_machine(str(tmp_path)).root_cgroup is None


def test_the_boot_time_is_kept_until_the_clock_is_set(tmp_path: Path) -> None:
    moments = [1000.0]
    boot_time = BootTime(str(tmp_path), lambda: moments[0])
    assert boot_time.read(Look()) is None
    stat = tmp_path / "proc" / "stat"
    stat.parent.mkdir()
    stat.write_bytes(b"cpu  1 2 3\nbtime 1000\nprocesses 7\n")
    assert boot_time.read(Look()) == 1000
    stat.write_bytes(b"cpu  1 2 3\nbtime 1060\nprocesses 9\n")
    moments[0] += 0.0001  # the time between two readings of clocks
    assert boot_time.read(Look()) == 1000
    moments[0] += 60
    assert boot_time.read(Look()) == 1060
    assert BootTime(str(tmp_path), None).read(Look()) == 1060


def test_the_kept_boot_time_is_that_of_the_kernel() -> None:
    boot_time = BootTime("/", wall_clock_at_boot)
    in_file = int(Path("/proc/stat").read_text(encoding="ascii").split("btime ")[1].split()[0])
    assert [boot_time.read(Look()) for _ in range(3)] == [in_file] * 3
    assert abs(wall_clock_at_boot() - in_file) <= 1.001
