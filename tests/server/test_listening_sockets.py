"""Tests of server/listening_sockets.py: sockets are opened or taken from systemd, and errors have a reason."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import cast

import pytest

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.server import listening_sockets
from logonscope.server.configuration import parse_listener
from logonscope.server.connection import Protocol
from logonscope.server.listening_sockets import OpenSocket
from tests.lab.fixtures import skip_or_fail
from tests.server.serving import ask, serving, wait_until

pytestmark = pytest.mark.usefixtures("promptly")


@contextmanager
def listening(*urls: str) -> Iterator[list[OpenSocket]]:
    made = listening_sockets.open_sockets([parse_listener(url) for url in urls])
    yield made
    listening_sockets.close_sockets(made)


def port_of(one: OpenSocket) -> int:
    port: int = one.socket.getsockname()[1]
    return port


def refusal(*urls: str) -> str:
    with pytest.raises((InvalidParameterError, AccessDeniedError)) as refused:
        listening_sockets.open_sockets([parse_listener(url) for url in urls])
    return str(refused.value)


def test_all_addresses_of_both_families_on_one_port() -> None:
    with listening("http://0.0.0.0:0") as (four,):
        port = port_of(four)
        with listening(f"http://[::]:{port}") as (six,):
            assert six.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
            for host in ("127.0.0.1", "::1"):
                socket.create_connection((host, port), timeout=1).close()


def test_a_crowd_that_comes_at_once_finds_a_place_to_wait() -> None:
    with listening("http://127.0.0.1:0") as (one,), ExitStack() as crowd:
        for _ in range(600):
            crowd.enter_context(socket.create_connection(("127.0.0.1", port_of(one)), timeout=0.5))


def test_a_port_that_is_taken() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        reason = f"cannot listen on http://127.0.0.1:{port}: Address already in use"
        said = f"{reason}; see what uses it: `logonscope whose :{port}`"
        assert refusal("http://127.0.0.1:0", f"http://127.0.0.1:{port}") == said


def test_what_was_opened_before_a_refusal_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "Address already in use" in refusal(f"unix:{tmp_path}/s", f"unix:{tmp_path}/file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_address_of_another_machine() -> None:
    said = "cannot listen on http://192.0.2.1:0: Cannot assign requested address; give another address: --listen"
    assert refusal("http://192.0.2.1:0", "http://127.0.0.1:0") == said


def test_a_loopback_address_that_this_machine_lacks_is_left_out() -> None:
    program = (
        "import fcntl, socket, struct\n"
        "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 1))\n"  # SIOCSIFFLAGS, IFF_UP
        "open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w').write('1')\n"
        "from logonscope.server import listening_sockets\n"
        "from logonscope.server.configuration import parse_listener\n"
        "urls = ['http://127.0.0.1:5985', 'http://[::1]:5985']\n"
        "print([str(one.listener) for one in listening_sockets.open_sockets([parse_listener(url) for url in urls])])\n"
        "from logonscope.errors import InvalidParameterError\n"
        "missing = [parse_listener(url) for url in ('http://[::1]:5985', 'https://[::1]:5986')]\n"
        "for function in (listening_sockets.open_sockets, listening_sockets.check_listeners):\n"
        "    try: print(function(missing))\n"
        "    except InvalidParameterError as error: print(error.message)\n"
    )
    apart = ["unshare", "--user", "--map-root-user", "--net"]
    done = subprocess.run([*apart, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.stderr.startswith("unshare: "):
        skip_or_fail(f"there is no network of its own to be had: {done.stderr}")
    without_any = "cannot listen on http://[::1]:5985: Cannot assign requested address\n"
    assert done.stdout == f"['http://127.0.0.1:5985']\n{without_any * 2}", done.stderr


def test_a_port_that_one_has_no_right_to() -> None:
    program = (
        "from logonscope.errors import AccessDeniedError\n"
        "from logonscope.server import listening_sockets\n"
        "from logonscope.server.configuration import parse_listener\n"
        "try: listening_sockets.open_sockets([parse_listener('https://127.0.0.1:443')])\n"
        "except AccessDeniedError as error: print(error)\n"
    )
    limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii")
    if os.geteuid() != 0 or int(limit) <= 443:
        skip_or_fail("a port for root alone, and root, are needed")
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run([*drop, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    said = "cannot listen on https://127.0.0.1:443: Permission denied; use sudo, or another port: --listen\n"
    assert done.stdout == said, done.stderr


def test_a_unix_socket_is_open_to_all_and_removed_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "s"
    before = os.umask(0o077)
    with listening(f"unix:{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert os.umask(before) == 0o077, "the umask is as it was"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert not path.exists()


def test_a_removed_socket_is_gone(tmp_path: Path) -> None:
    with listening(f"unix:{tmp_path}/s"):
        (tmp_path / "s").unlink()


def test_a_socket_that_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    with listening(f"unix:{path}"), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_what_is_in_use_or_no_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listening(f"unix:{path}"):
        assert refusal(f"unix:{path}").startswith(f"cannot listen on unix:{path}: Address already in use; see what ")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    path.symlink_to(tmp_path / "precious")
    (tmp_path / "precious").write_text("kept", encoding="ascii")
    assert "Address already in use" in refusal(f"unix:{path}")
    assert (tmp_path / "precious").read_text(encoding="ascii") == "kept"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / "stale"))
    path.unlink()
    path.symlink_to(tmp_path / "stale")
    assert "Address already in use" in refusal(f"unix:{path}")
    assert f"the directory {tmp_path}/none does not exist" in refusal(f"unix:{tmp_path}/none/s")
    assert "path too long" in refusal(f"unix:/{'a' * 200}")


def remarks(*urls: str) -> list[str]:
    return listening_sockets.check_listeners([parse_listener(url) for url in urls])


def test_the_check_of_a_unix_socket_finds_what_the_start_would_find(tmp_path: Path) -> None:
    url, path = f"unix:{tmp_path}/s", tmp_path / "s"
    assert remarks(url) == []
    with listening(url):
        assert remarks(url) == [f"{url}: address already in use, perhaps by this server"]
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    assert remarks(url) == []
    assert path.exists(), "the check changes nothing"
    path.rename(tmp_path / "stale")
    path.symlink_to(tmp_path / "stale")
    (tmp_path / "file").touch()
    for wrong in (url, f"unix:{tmp_path}/file", f"unix:{tmp_path}", f"unix:{tmp_path}/{'a' * 200}"):
        with pytest.raises(InvalidParameterError) as error:
            remarks(wrong)
        assert str(error.value) == refusal(wrong)


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    """Header and body are two writes: with Nagle's algorithm the second one waits, 40 ms for each answer."""

    def delays(runs: Sequence[OpenSocket]) -> list[int]:
        return [one.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in runs]

    with serving("http://127.0.0.1:0", "http://[::1]:0") as server, server.connect() as client:
        assert delays(server.server.open_sockets) == [1, 1]
        start = time.perf_counter()
        assert [ask(client)[0] for _ in range(10)] == [200] * 10
        assert time.perf_counter() - start < 0.3
        (kept,) = server.server.server_state.connections
        accepted = cast("Protocol", kept).transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


PASSED = """
import os, sys
from logonscope.errors import InvalidParameterError
from logonscope.server import listening_sockets
from logonscope.server.configuration import parse_listener
try:
    for one in listening_sockets.listen_sockets([parse_listener("http://127.0.0.1:0")]):
        print(one.listener, one.listener.tls, one.is_opened_here, os.get_inheritable(one.socket.fileno()))
        sys.stdout.flush()
except InvalidParameterError as error:
    print(error)
print([name for name in os.environ if name.startswith("LISTEN_")])
"""


def told_by_child(*there: socket.socket, names: str | None, pid: str = "$$") -> list[str]:
    """Start a child that has these at 3 and up, as systemd does, and return what it says."""
    numbers = [os.dup(one.fileno()) for one in there]
    moved = " ".join(f"{3 + place}<&{number}" for place, number in enumerate(numbers))
    named = f"LISTEN_FDNAMES={names}" if names is not None else ""
    script = f'LISTEN_PID={pid} LISTEN_FDS={len(there)} {named} exec "$0" -c "$1" {moved}'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, PASSED], pass_fds=numbers, capture_output=True, text=True, check=False
    )
    for number in numbers:
        os.close(number)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_sockets_that_systemd_passes_are_taken_as_their_names_say(tmp_path: Path) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as one,
        closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as two,
        closing(socket.socket(socket.AF_UNIX)) as three,
    ):
        three.bind(str(tmp_path / "s"))
        three.listen()
        ports = one.getsockname()[1], two.getsockname()[1]
        assert told_by_child(one, two, three, names="https:logonscope.socket:unix") == [
            f"https://127.0.0.1:{ports[0]} True False False",
            f"http://[::1]:{ports[1]} False False False",
            f"unix:{tmp_path}/s False False False",
            "[]",
        ]
        assert told_by_child(one, names=None)[0] == f"http://127.0.0.1:{ports[0]} False False False"


def test_the_port_of_https_speaks_tls_unless_its_name_says_otherwise() -> None:
    try:
        there = socket.create_server(("127.0.0.9", 5986))
    except OSError:
        skip_or_fail("somebody listens on port 5986")
    with closing(there):
        assert told_by_child(there, names="logonscope.socket")[0] == "https://127.0.0.9:5986 True False False"
        assert told_by_child(there, names="http")[0] == "http://127.0.0.9:5986 False False False"


def test_sockets_for_other_processes_are_not_used() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        first, environment = told_by_child(one, names=None, pid="1")
        assert first.endswith(" False True False")
        assert environment == "[]", "nor does a child of ours think that they are for it"


def test_a_descriptor_that_does_not_listen_is_refused() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one:
        one.bind(("127.0.0.1", 0))
        reason = "cannot use descriptor 3 (udp) of systemd: it is not a listening stream socket"
        assert told_by_child(one, names="udp")[0] == f"{reason}; use ListenStream= and Accept=no in the .socket unit"


def test_systemds_own_tool_passes_sockets_that_work() -> None:
    """With systemd-socket-activate(1), which starts the program when the first client connects."""
    where = f"127.0.0.1:{free_port()}"
    program = PASSED.replace("print(one.listener,", "one.socket.accept()[0].sendall(b'hello'); print(one.listener,")
    command = ["systemd-socket-activate", "-l", where, "--fdname=https", sys.executable, "-c", program]
    try:
        tool = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        skip_or_fail("systemd-socket-activate is not installed")
    host, _, port = where.partition(":")
    with tool, connected(host, int(port)) as client:
        assert client.recv(9) == b"hello"
        assert tool.stdout is not None
        assert tool.stdout.readline() == f"https://{where} True False False\n"


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as there:
        port: int = there.getsockname()[1]
    return port


def connected(host: str, port: int) -> socket.socket:
    client = socket.socket()
    client.settimeout(5)
    wait_until(lambda: client.connect_ex((host, port)) == 0)
    return client
