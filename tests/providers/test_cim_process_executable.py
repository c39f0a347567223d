"""Tests of providers/cim_process_executable.py: the files that each process has mapped as code."""

import ctypes
import os
import subprocess
from pathlib import Path

import logonscope
from logonscope import Host
from logonscope.broker import Caller
from logonscope.client import LocalHost
from logonscope.facts import FACTS_OF_FILE
from logonscope.machine import Selection
from logonscope.ownership import LINUX
from logonscope.providers.cim_process_executable import PROVIDER
from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, user
from tests.providers.asked import PROCESSES, SNAPSHOT, everything, fixed, one, pair, web1

BASH, LIBC = "/usr/bin/bash", "/usr/lib/x86_64-linux-gnu/libc.so.6"
MAPPED = {4151: (f"5600000000 {BASH}", f"7f0000000000 {LIBC}"), 3991: (f"5700000000 {BASH}",)}


def host(caller: Caller = ROOT) -> Host:
    return web1(caller, processes=tuple(row._replace(mapped_files=MAPPED.get(row.pid)) for row in PROCESSES))


def file(path: str) -> str:
    return rf'\\web1\root\cimv2:CIM_DataFile.Name="{path}"'


def process(pid: int) -> str:
    return rf'\\web1\root\cimv2:Win32_Process.Handle="{pid}"'


def test_each_file_of_each_process() -> None:
    assert everything(host(), "CIM_ProcessExecutable", "Antecedent", "Dependent", "BaseAddress") == [
        (file(BASH), process(3991), 0x5700000000),
        (file(BASH), process(4151), 0x5600000000),
        (file(LIBC), process(4151), 0x7F0000000000),
    ]


def test_the_files_of_one_process_read_that_process_alone() -> None:
    rows = tuple(row._replace(mapped_files=MAPPED.get(row.pid)) for row in PROCESSES)
    memory = Memory(SNAPSHOT._replace(processes=rows))
    connected = LocalHost(memory, LINUX, ROOT, save_recording)
    found = connected.associators('Win32_Process.Handle="4151"', assoc_class="CIM_ProcessExecutable")
    assert [row["Name"] for row in found] == [BASH, LIBC]
    assert set(memory.asked.pids) == {4151}
    text = "SELECT * FROM CIM_ProcessExecutable WHERE Dependent = 'Win32_Process.Handle=\"4151\"'"
    memory.forget()
    assert len([*connected.query(text)]) == 2
    assert set(memory.asked.pids) == {4151}


def test_from_a_file_its_processes_are_found() -> None:
    found = host().associators(f'CIM_DataFile.Name="{BASH}"', assoc_class="CIM_ProcessExecutable")
    assert [row["ProcessId"] for row in found] == [3991, 4151]


def test_the_files_are_details_of_a_process() -> None:
    assert everything(host(user(1000)), "CIM_ProcessExecutable", "Dependent") == [process(4151)] * 2
    assert everything(host(user(1002)), "CIM_ProcessExecutable", "Dependent") == []


def test_a_pair_is_found_by_its_path() -> None:
    ends = pair("CIM_ProcessExecutable", Antecedent=file(LIBC), Dependent=process(4151))
    assert one(host(), ends, "BaseAddress") == 0x7F0000000000


def test_a_fixed_process_narrows_the_reading() -> None:
    assert PROVIDER.selection(fixed(Dependent=("Win32_Process", "4151"))) == Selection(pids=frozenset({4151}))
    assert FACTS_OF_FILE["maps"] == ("mapped_files",)


def test_hostile_names_of_files_in_a_folder(host: HostFolder) -> None:
    names = ("/opt/a b  c", "/opt/x (deleted)", "/opt/y (deleted) (deleted)", "/opt/line\\012 r-xp", "/opt/\x1b[2J")
    lines = [
        f"{index + 1:x}000-{index + 1:x}fff r-xp 00000000 08:01 {index} \t {name}" for index, name in enumerate(names)
    ]
    more = (
        "a000-b000 r--p 00000000 08:01 9 /data",
        "c000-d000 r-xp 00000000 00:00 0 [vdso]",
        "e000-f000 r-xp 0 00:00 0",
    )
    host.process(700, "sh")
    host.write("proc/700/maps", "\n".join([*more, *lines]) + "\nff000-fff00 r-xp 00000000 08:01 7 /cut")
    found = everything(host.connect(), "CIM_ProcessExecutable", "Antecedent", "BaseAddress")
    assert [address for _, address in found] == [0x1000, 0x2000, 0x3000, 0x4000, 0x5000]
    shown = [path.partition('Name="')[2] for path, _ in found]
    assert shown[:4] == ['/opt/a b  c"', '/opt/x (deleted)"', '/opt/y (deleted) (deleted)"', '/opt/line\\\\012 r-xp"']


def test_the_files_of_this_process_are_those_that_the_loader_names() -> None:
    # dl_iterate_phdr(3) asks the dynamic loader, not /proc
    class Info(ctypes.Structure):
        _fields_ = (("addr", ctypes.c_void_p), ("name", ctypes.c_char_p))

    loaded: set[str] = set()

    def note(info: "ctypes._Pointer[Info]", _: int, __: int) -> int:
        loaded.add(os.fsdecode(info.contents.name or b""))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
    ctypes.CDLL(None).dl_iterate_phdr(callback(note), None)
    libraries = {os.path.realpath(name) for name in loaded if name.startswith("/")}
    found = logonscope.connect().associators(
        f'Win32_Process.Handle="{os.getpid()}"', assoc_class="CIM_ProcessExecutable"
    )
    names = {row["Name"] for row in found}
    assert libraries <= names
    assert os.path.realpath("/proc/self/exe") in names


def test_a_removed_program_is_marked(tmp_path: Path) -> None:
    program = tmp_path / "my sleep"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen([program, "30"]) as child:
        program.unlink()
        found = logonscope.connect().associators(
            f'Win32_Process.Handle="{child.pid}"', assoc_class="CIM_ProcessExecutable"
        )
        assert f"{program} (deleted)" in [row["Name"] for row in found]
        child.kill()
