"""Tests of sources/linux/user_namespace.py: ids as the kernel maps them, with the kernel's own namespaces."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from logonscope.facts import UNSET, Login, Process
from logonscope.sources.linux.user_namespace import IdMap, IdRange, UserNamespace, parse_id_map, read_user_namespace
from tests.lab.fixtures import skip_or_fail
from tests.lab.systemd import wait_until

SOMEBODY = 64_321
ROOTLESS = parse_id_map(b"         0       1000          1\n         1     100000      65536\n")


def test_ids_are_mapped_both_ways() -> None:
    ids = IdMap(ROOTLESS, 65534)
    assert [ids.inside(outer) for outer in (0, 1000, 100_000, 165_535, 165_536)] == [None, 0, 1, 65_536, None]
    assert [ids.outside(inner) for inner in (0, 1, 65_536, 65_537)] == [1000, 100_000, 165_535, None]


def test_the_overflow_id_is_none_unless_it_is_mapped() -> None:
    only_root = IdMap([IdRange(0, 1000, 1)], 65534)
    assert only_root.known_ids((0, 65534, 65534, 65534)) == (0, None, None, None)
    assert only_root.known_ids((0, 0, 0, 0)) == (0, 0, 0, 0)
    # a container with 65,537 ids: 65534 is the account nobody of the container
    assert IdMap(ROOTLESS, 65534).known_ids((65534,) * 4) == (65534,) * 4
    # another overflowuid
    assert IdMap([IdRange(0, 1000, 1)], 99).known_ids((65534, 99, 0, 99)) == (65534, None, 0, None)


def test_a_login_record_of_the_namespace_above_has_the_uid_of_this_one() -> None:
    ids = IdMap([IdRange(0, 1000, 1)], 65534)
    here = UserNamespace(ids, ids, owns_files=False)
    assert here.mapped_login(Login("41", 1000)).uid_here == 0
    assert here.mapped_login(Login("42", 1002)) == Login("42", 1002, mapped_uid=UNSET)
    assert here.mapped_login(Login("42", 1002)).uid_here is None
    assert Login("42", 1002).uid_here == 1002


@pytest.mark.parametrize("content", [b"0 0\n", b"a b c\n", b"0 0 1 1\n"])
def test_a_damaged_map_is_no_map(content: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_id_map(content)


def test_in_the_initial_user_namespace_nothing_is_mapped() -> None:
    if os.stat("/proc/self/ns/user").st_ino != 0xEFFFFFFD:
        skip_or_fail("this runs in a user namespace")
    assert read_user_namespace("/proc", "/etc/passwd") is None


READER = """
import json, sys
from logonscope import connect
from logonscope.sources.linux.user_namespace import read_user_namespace
host = connect()
here = read_user_namespace("/proc", "/etc/passwd")
rows = {row.pid: (row.user, row.uid) for row in host.processes()}
query = f"SELECT RealUid, EffectiveUid, RealGid, User FROM LS_Process WHERE ProcessId = {sys.argv[1]}"
(process,) = host.query(query, namespace="root/logonscope")
print(json.dumps({
    "own": rows[int(sys.argv[2])], "other": rows[int(sys.argv[1])], "owns files": here.owns_files,
    "instance": [process[name] for name in ("RealUid", "EffectiveUid", "RealGid", "User")],
    "names": sorted({user for user, _ in rows.values() if user}),
}))
"""


@pytest.fixture
def somebodys_pid() -> Iterator[int]:
    """Return the pid of a process of a uid that the namespace does not map."""
    if os.geteuid() != 0:
        skip_or_fail("only root can become somebody else")
    with subprocess.Popen(["/bin/sleep", "60"], user=SOMEBODY, group=SOMEBODY, extra_groups=[]) as process:
        yield process.pid
        process.kill()


def test_uids_that_are_not_mapped_have_no_number_and_no_name(somebodys_pid: int) -> None:
    script = 'exec "$0" -c "$1" "$2" $$'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, READER, str(somebodys_pid)]
    source = str(Path(__file__).parents[3] / "src")
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": source}, check=False
    )
    if "unshare failed" in done.stderr:
        skip_or_fail(f"no user namespaces: {done.stderr}")
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer == {
        "own": ["root", 0], "other": [None, None], "owns files": True, "instance": [None, None, None, None],
        "names": ["root"],
    }  # fmt: skip


def test_the_owner_of_passwd_shows_in_which_namespace_it_was_written(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can give files away")
    passwd = tmp_path / "passwd"
    passwd.write_text("")
    os.chown(passwd, SOMEBODY, SOMEBODY)
    read = "from logonscope.sources.linux.user_namespace import read_user_namespace as read; import sys; "
    read += "print(read('/proc', sys.argv[1]).owns_files, read('/proc', sys.argv[2]).owns_files)"
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", read, str(passwd), str(tmp_path / "none")]
    source = str(Path(__file__).parents[3] / "src")
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": source}, check=False
    )
    assert done.stdout == "False True\n"


def has_own_namespace(pid: int) -> bool:
    """Return whether a process is in another user namespace than this one."""
    return os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")


def test_a_mapping_longer_than_the_kernel_returns_at_once_is_read_whole() -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can map many ids")
    code = "from logonscope.sources.linux.user_namespace import read_user_namespace as read; input(); "
    code += "print(read('/proc', '/etc/passwd').uids.inside(100_319))"
    source = str(Path(__file__).parents[3] / "src")
    with subprocess.Popen(
        ["unshare", "--user", sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": source},
    ) as reader:  # fmt: skip
        wait_until(partial(has_own_namespace, reader.pid))
        # 160 lines of 33 bytes, every other id: more than one page
        mapping = "".join(f"{number} {100_000 + 2 * number} 1\n" for number in range(159)) + "159 100319 1\n"
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{reader.pid}/{name}").write_text(mapping)
        assert reader.communicate("\n")[0] == "159\n"


def test_a_process_without_ids_is_as_it_was() -> None:
    ids = IdMap([IdRange(0, 1000, 1)], 65534)
    assert UserNamespace(ids, ids, owns_files=True).known_process(Process(7)) == Process(7)
