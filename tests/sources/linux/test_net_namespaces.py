"""Tests of sources/linux/net_namespaces.py: sockets of other network namespaces, in a folder and on this kernel."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import logonscope
from logonscope.errors import NotFoundError, NotSupportedError, TimedOutError
from logonscope.machine import SOCKETS, Deadline, Look, SocketQuery
from logonscope.sources.linux import LinuxSource, net_namespaces
from logonscope.sources.linux.processes import TIMEOUT
from tests.hosts import OWN_NETWORK, HostFolder
from tests.lab.fixtures import skip_or_fail
from tests.lab.hung_process import executing_process

OTHER, THIRD = OWN_NETWORK + 100, OWN_NETWORK + 200


def listed(host: HostFolder, *, everywhere: bool = True) -> list[tuple[int, int | None, int | None]]:
    """Return inode, namespace and process of the namespace of each socket."""
    sockets = host.source.sockets(Look(), SocketQuery(all_namespaces=everywhere))
    return [(socket.inode, socket.namespace, socket.namespace_pid) for socket in sockets]


def two_namespaces(host: HostFolder) -> None:
    """Add a socket of the host's own, and two processes of another network namespace with a socket."""
    host.listener(80, 1)
    for pid in (10, 11):
        host.process(pid, "server", sockets=[2] if pid == 11 else [])
        host.net_namespace(pid, OTHER)
        host.listener(81, 2, net=f"{pid}/net")


def test_the_own_network_namespace_alone_is_read_unless_all_are_requested(host: HostFolder) -> None:
    two_namespaces(host)
    assert listed(host, everywhere=False) == [(1, OWN_NETWORK, None)]
    assert listed(host) == [(1, OWN_NETWORK, None), (2, OTHER, 10)]


def test_a_namespace_is_read_through_another_process_if_the_first_has_ended(host: HostFolder) -> None:
    two_namespaces(host)
    (host.root / "proc/10/net/tcp").unlink()
    (host.root / "proc/10/net").rmdir()
    assert listed(host) == [(1, OWN_NETWORK, None), (2, OTHER, 11)]


def test_the_number_of_namespaces_is_bounded_and_what_is_left_out_is_trouble(host: HostFolder) -> None:
    for pid in range(10, 10 + net_namespaces.MAX_NAMESPACES + 3):
        link = host.root / f"proc/{pid}/ns/net"
        link.parent.mkdir(parents=True)
        link.symlink_to(f"net:[{OTHER + pid}]")
    host.listener(80, 1)
    look = Look()
    assert len(list(host.source.sockets(look, SocketQuery(all_namespaces=True)))) == 1
    assert [(trouble.subject, trouble.reason) for trouble in look.troubles] == [
        (SOCKETS, "3 more network namespaces are not read")
    ]


def test_a_proc_without_net_is_read_through_the_reader_itself(host: HostFolder) -> None:
    host.listener(80, 1, net="self/net")
    assert listed(host) == [(1, OWN_NETWORK, None)]


def test_missing_lists_of_sockets_are_reported(host: HostFolder) -> None:
    with pytest.raises(NotSupportedError, match=r"sockets cannot be read here \(.*/proc/net is missing\)"):
        host.connect().whose(":80")
    with pytest.raises(NotSupportedError, match="sockets cannot be read here"):
        host.connect().whose("unix:/run/x")


def test_an_empty_folder_in_place_of_the_lists_is_not_nothing_found(host: HostFolder) -> None:
    (host.root / "proc/net").mkdir()
    with pytest.raises(NotSupportedError, match=r"sockets cannot be read here \(.*/proc/net/tcp is missing\)"):
        host.connect().whose(":80")
    with pytest.raises(NotSupportedError, match=r"sockets cannot be read here \(.*/proc/net/unix is missing\)"):
        host.connect().whose("@x")


def test_nothing_found_says_how_many_namespaces_were_not_looked_at(host: HostFolder) -> None:
    two_namespaces(host)
    with pytest.raises(NotFoundError, match="in this network namespace; 1 other was not looked at"):
        host.connect().whose(":81")
    (answer,) = host.connect().whose(":81", all_namespaces=True)
    assert (answer.pid, answer.sockets[0].namespace, answer.sockets[0].namespace_pid) == (11, OTHER, 10)
    host.process(12, "server")
    host.net_namespace(12, THIRD)
    with pytest.raises(NotFoundError, match="in this network namespace; 2 others were not looked at"):
        host.connect().whose(":82")
    with pytest.raises(NotFoundError, match="port 82 or is connected through it, in any of 3 network namespaces"):
        host.connect().whose(":82", all_namespaces=True)


def test_rows_of_all_network_namespaces_are_sockets(host: HostFolder) -> None:
    two_namespaces(host)
    host.process(13, "server", sockets=[1])
    rows = host.connect().query("SELECT * FROM LS_Socket", namespace="root/logonscope")
    assert sorted((row["Inode"], row["NetworkNamespace"], row["NetworkNamespaceProcessId"]) for row in rows) == [
        (1, OWN_NETWORK, None),
        (2, OTHER, 10),
    ]


def test_200_000_sockets_are_read_only_until_the_deadline(host: HostFolder) -> None:
    line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 {} 1\n"
    host.write("proc/net/tcp", "head\n" + "".join(line.format(inode) for inode in range(1, 200_001)))
    source = host.source
    with pytest.raises(TimedOutError):
        list(source.sockets(Look(Deadline(0.02)), SocketQuery(ports=frozenset({9}))))


# On this kernel


@contextmanager
def listener_elsewhere() -> Iterator[tuple[int, int]]:
    """Listen in a new network namespace; yield the pid and the port."""
    if os.geteuid() != 0:
        skip_or_fail("only root can make network namespaces")
    program = (
        "import socket, time; listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()\n"
        "print(listener.getsockname()[1], flush=True); time.sleep(600)"
    )
    shell = f'ip link set lo up 2>/dev/null; exec {sys.executable} -c "$0"'
    with subprocess.Popen(["unshare", "-n", "sh", "-c", shell, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def test_a_listener_in_a_network_namespace_of_its_own_is_found_in_all_of_them() -> None:
    with listener_elsewhere() as (pid, port):
        inode = os.stat(f"/proc/{pid}/ns/net").st_ino
        query = SocketQuery(ports=frozenset({port}))
        here, everywhere = (
            [socket for socket in LinuxSource().sockets(Look(), each) if socket.namespace_pid is not None]
            for each in (query, query._replace(all_namespaces=True))
        )
        assert here == []
        assert [(socket.port, socket.state, socket.namespace, socket.namespace_pid) for socket in everywhere] == [
            (port, "LISTEN", inode, pid)
        ]


def test_the_namespaces_are_those_that_lsns_lists() -> None:
    with listener_elsewhere():
        proc = "/proc"
        own = net_namespaces.own_namespace(proc)
        inodes = {own.inode} | {each.inode for each in net_namespaces.other_namespaces(proc, own, Look())}
        command = ["lsns", "--type", "net", "--noheadings", "--raw", "--output", "NS"]
        # its exit code is 1 if a process ends while it lists
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        assert inodes == set(map(int, done.stdout.split())), done.stderr


def test_a_proc_of_pids_alone_has_the_sockets_of_the_reader() -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can mount")
    program = (
        "import os\nfrom logonscope.machine import Look, SocketQuery\n"
        "from logonscope.sources.linux import LinuxSource\n"
        "look = Look(); import socket; listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()\n"
        "query = SocketQuery(ports=frozenset({listener.getsockname()[1]}))\n"
        "assert not os.path.exists('/proc/net')\n"
        "print([found.inode for found in LinuxSource().sockets(look, query)] == [os.fstat(listener.fileno()).st_ino])"
    )
    command = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f'mount -t proc -o subset=pid proc /proc && exec {sys.executable} -c "$0"',
        program,
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if "wrong fs type" in run.stderr or "bad option" in run.stderr:
        skip_or_fail("this kernel has no subset=pid")
    assert (run.stdout, run.stderr) == ("True\n", "")


def test_a_process_that_executes_for_ever_holds_up_no_other() -> None:
    with executing_process(), logonscope.connect() as this_machine, socket.create_server(("127.0.0.1", 0)):
        began = time.monotonic()
        assert list(this_machine.query("SELECT Inode FROM LS_Socket", namespace="root/logonscope"))
        assert time.monotonic() - began < 3 * TIMEOUT
