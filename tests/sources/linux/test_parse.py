"""Tests of sources/linux/parse.py: no name, argument or path changes the facts that are parsed."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Account, Group
from logonscope.sources.linux import parse
from logonscope.sources.linux.parse import parse_account, parse_group
from tests.hosts import io_text, stat_line, status_text

comms = st.binary(max_size=parse.COMM_BYTES)
"""Any name that a process may give itself: parentheses, newlines, control characters, invalid UTF-8."""

NASTY_COMMS = [b"", b"(a b ) ( c d) ", b") R 1 1", b"a\nUid:\t0\t0\t0\t0", b"\x1b[2J", b"\xff\xfe(", b"tmux: server"]
STAT = stat_line(4312, b"sshd", ppid=700, tty_nr=34816, state="S", start=123456)
STATUS = status_text(b"sshd", (1000, 1001, 1002, 1003))
IO = io_text().encode()


def the_bytes(text: str) -> bytes:
    """Return the bytes that a text of the facts stands for."""
    return text.encode("utf-8", "surrogateescape")


@given(comms)
def test_the_name_in_stat_is_whatever_the_process_chose(comm: bytes) -> None:
    facts = parse.parse_stat(stat_line(4312, comm, ppid=700, tty_nr=34816, state="S", start=123456))
    assert the_bytes(facts[0]) == comm
    assert facts[1:] == ("S", 700, 4312, 4312, 34816, 4194304, 11, 12, 13, 14, 20, 0, 1, 123456, 4096000)


@pytest.mark.parametrize("comm", NASTY_COMMS)
def test_a_nasty_name_moves_no_field_of_stat(comm: bytes) -> None:
    facts = parse.parse_stat(stat_line(1, comm, ppid=7, tty_nr=0, state="Z", start=99))
    assert (facts[0], facts[1], facts[2], facts[14]) == (parse.decode_text(comm), "Z", 7, 99)


def test_priority_and_nice_may_be_negative() -> None:
    line = b"5 (migration/0) S 2 0 0 0 -1 69238848 0 0 0 0 0 3 0 0 -100 -5 1 0 9 0 0 1 0 0 0\n"
    assert parse.parse_stat(line)[11:13] == (-100, -5)


@given(comms)
def test_the_name_in_status_cannot_forge_ids(comm: bytes) -> None:
    ids = (1000, 1001, 1002, 1003)
    assert list(parse.parse_status(status_text(comm, ids, tgid=4312))) == [
        4312, ids, ids, 8000 << 10, 300 << 10, 200 << 10, 100 << 10, 0, 1,
    ]  # fmt: skip


def test_a_kernel_thread_has_ids_and_no_memory() -> None:
    facts = parse.parse_status(b"Name:\tkthreadd\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\n")
    assert list(facts) == [None, (0, 0, 0, 0), (0, 0, 0, 0), None, None, None, None, None, None]


def test_the_pid_namespaces_are_counted_from_that_of_proc_on() -> None:
    status = b"Name:\tsshd\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nNStgid:\t4312\t7\nNSpid:\t4312\t7\t1\n"
    assert parse.parse_status(status)[-1] == 3
    assert parse.parse_status(status.replace(b"\t4312\t7\t1\n", b"\t4312\n"))[-1] == 1


def test_the_root_directory_is_the_last_mount_there() -> None:
    mounts = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /dev rw - devtmpfs none rw\n"
    assert parse.parse_root_mount(mounts) == (b"8:1", b"/")
    assert parse.parse_root_mount(mounts + b"90 22 0:44 /x / rw - overlay o rw\n") == (b"0:44", b"/x")
    # a chroot into a directory that is no mount
    assert parse.parse_root_mount(mounts.replace(b" / / ", b" / /boot ")) is None
    assert parse.parse_root_mount(b"") is None


def test_statm_io_children_and_numbers() -> None:
    assert parse.parse_children(b"") == ((),)
    assert parse.parse_children(b"11 12 4194304 ") == ((11, 12, 4194304),)
    assert parse.parse_statm(b"100 25 10 5 0 20 0\n") == (25,)
    assert parse.parse_io(IO) == (1, 2, 3, 4, 5, 6)
    assert parse.parse_number(b"4294967295") == (4294967295,)


CGROUPS = {
    "unified": (b"0::/user.slice/user-1000.slice/session-41.scope\n", "/user.slice/user-1000.slice/session-41.scope"),
    "hybrid, all in both": (
        b"12:pids:/user.slice\n1:name=systemd:/user.slice/x.scope\n0::/user.slice/x.scope\n", "/user.slice/x.scope",
    ),
    "hybrid, cgroup2 unused": (b"2:cpu:/\n1:name=systemd:/user.slice/x.scope\n0::/\n", "/user.slice/x.scope"),
    "legacy": (b"3:cpu,cpuacct:/a\n1:name=systemd:/system.slice/cron.service\n", "/system.slice/cron.service"),
    "elogind beside cgroup2": (b"1:name=elogind:/c3\n0::/somewhere/else\n", "/c3"),
    "elogind, not in a session": (b"1:name=elogind:/\n0::/init\n", "/init"),
    "colons in the path": (b"0::/system.slice/a:b::c.scope\n", "/system.slice/a:b::c.scope"),
    "a scope that was removed": (b"0::/user.slice/session-9.scope (deleted)\n", "/user.slice/session-9.scope"),
    "outside the reader's namespace": (b"0::/../../user.slice\n", "/../../user.slice"),
    "the root": (b"0::/\n", "/"),
    "no hierarchy of a login service": (b"3:cpu,cpuacct:/a\n", "/"),
    "no hierarchy at all": (b"", "/"),
}  # fmt: skip


@pytest.mark.parametrize("layout", CGROUPS)
def test_the_cgroup_is_that_of_the_login_service(layout: str) -> None:
    content, path = CGROUPS[layout]
    assert parse.parse_cgroup(content) == (path,)


@given(st.binary(min_size=1).filter(lambda name: b"\n" not in name and b"/" not in name))
def test_no_directory_name_changes_where_a_process_is(name: bytes) -> None:
    below = b"/user.slice/user-1000.slice/user@1000.service/" + name
    (path,) = parse.parse_cgroup(b"0::" + below + b"/user.slice/user-0.slice/session-1.scope\n")
    assert the_bytes(path) == below + b"/user.slice/user-0.slice/session-1.scope"


def test_a_carriage_return_in_a_directory_name_begins_no_new_line() -> None:
    forged = b"0::/user.slice/user-1000.slice/user@1000.service/a\r0::/user.slice/user-0.slice/session-1.scope\n"
    (path,) = parse.parse_cgroup(forged)
    assert path.startswith("/user.slice/user-1000.slice/user@1000.service/a")


WHOLE: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "sessionid": (parse.parse_number, b"4294967295"),
    "cgroup": (parse.parse_cgroup, b"1:name=systemd:/user.slice\n0::/user.slice/user-1000.slice\n"),
    "stat": (parse.parse_stat, STAT),
    "status": (parse.parse_status, STATUS),
    "statm": (parse.parse_statm, b"100 25 10 5 0 20 0\n"),
    "io": (parse.parse_io, IO),
    "/proc/stat": (parse.parse_btime, b"\ncpu 1 2\nbtime 1700000000\nprocesses 7\n"),
}


@pytest.mark.parametrize("file", WHOLE)
def test_content_that_is_cut_short_is_a_value_error_and_nothing_else(file: str) -> None:
    parser, whole = WHOLE[file]
    refused = 0
    for length in range(len(whole)):
        try:
            parser(whole[:length])
        except ValueError:
            refused += 1
    assert refused > 0


FILES = WHOLE | {"children": (parse.parse_children, b"11 12 ")}


@given(st.sampled_from(sorted(FILES)), st.binary(max_size=300))
def test_content_that_the_kernel_never_writes_is_a_value_error_and_nothing_else(file: str, content: bytes) -> None:
    try:
        FILES[file][0](content)
    except ValueError:
        return


@given(st.data())
def test_a_damaged_byte_is_a_value_error_and_nothing_else(data: st.DataObject) -> None:
    parser, whole = FILES[data.draw(st.sampled_from(sorted(FILES)))]
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        parser(bytes(damaged))
    except ValueError:
        return


@pytest.mark.parametrize(
    ("comm", "cmdline", "name"),
    [
        ("bash", b"-bash\0", "bash"),
        ("gnome-terminal-", b"/usr/libexec/gnome-terminal-server\0", "gnome-terminal-server"),
        ("gnome-terminal-", b"gnome-terminal-server\0--x\0", "gnome-terminal-server"),
        ("gnome-terminal-", b"", "gnome-terminal-"),
        ("gnome-terminal-", None, "gnome-terminal-"),
        ("gnome-terminal-", b"/opt/something/else\0", "gnome-terminal-"),
        ("(sd-pam)", b"(sd-pam) and more\0", "(sd-pam)"),
        ("python3", b"python3-is-not-my-name\0", "python3"),
        ("", b"x\0", ""),
    ],
)
def test_a_name_that_the_kernel_cut_is_completed_from_the_first_argument(
    comm: str, cmdline: bytes | None, name: str
) -> None:
    assert parse.complete_name(comm, cmdline) == name


names = st.binary(min_size=1, max_size=40) | st.text("aé漢😀", min_size=1, max_size=12).map(str.encode)
"""Names of programs: the kernel cuts them at a byte, be it in the middle of a character."""


@given(names.filter(lambda name: not {*b"/\0"} & {*name}), st.binary(max_size=20))
def test_every_name_that_is_also_the_first_argument_comes_back_whole(name: bytes, rest: bytes) -> None:
    comm = parse.decode_text(name[: parse.COMM_BYTES])
    assert the_bytes(parse.complete_name(comm, b"/usr/bin/" + name + b"\0" + rest)) == name


def test_arguments_of_any_length_are_split_without_trouble() -> None:
    assert parse.complete_name("a" * 15, b"a" * 200_000) == "a" * 200_000


@given(st.binary(max_size=60))
def test_c_escapes_of_logind_are_unchanged(value: bytes) -> None:
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\\"'" else f"\\x{byte:02x}" for byte in value
    )  # fmt: skip
    assert the_bytes(parse.unescape(escaped)) == value


@pytest.mark.parametrize(
    ("escaped", "value"),
    [
        ("plain", "plain"),
        (r"a\nb\tc", "a\nb\tc"),
        (r"\303\251t\xc3\xa9", "été"),
        (r"\\n", r"\n"),
        (r"\"quoted\" \'too\'", "\"quoted\" 'too'"),
        (r"a\sb", "a b"),
        (r"\q\x", r"\q\x"),
        ("\\", "\\"),
        (r"\400", r"\400"),
    ],
)
def test_each_escape_has_its_meaning_and_others_stay(escaped: str, value: str) -> None:
    assert parse.unescape(escaped) == value


def test_a_state_file_is_lines_of_key_and_value() -> None:
    data = b"# comment=1\nUID=1000\nTTY=\nREMOTE_HOST=a=b\n\nno value\nSTATE=online\nSTATE=active\nSERVICE=\xff"
    assert parse.parse_state_file(data) == {
        "UID": "1000", "TTY": "", "REMOTE_HOST": "a=b", "STATE": "active", "SERVICE": "\udcff",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("release", "system"),
    [
        (b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        (b"PRETTY_NAME='Void'\n", "Void"),
        (b"PRETTY_NAME=Alpine\n", "Alpine"),
        (b"NAME=Nix\n", None),
        (b"", None),
    ],
)
def test_os_release_names_the_system(release: bytes, system: str | None) -> None:
    assert parse.parse_os_release(release) == system


@pytest.mark.parametrize(
    ("defs", "least"),
    [
        (b"UID_MIN 500\n", 500),
        (b"# UID_MIN 5\n\tUID_MIN\t\t 1001\nUID_MAX 60000\n", 1001),
        (b"UID_MIN x\n", 1000),
        (b"", 1000),
    ],
)
def test_login_defs_says_where_the_uids_of_people_begin(defs: bytes, least: int) -> None:
    assert parse.parse_uid_min(defs) == least


def test_the_processors_are_the_lines_of_their_own() -> None:
    assert parse.parse_processors(b"cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\ncpu10 1 2 3\nintr 5\nbtime 7\n") == 3
    assert parse.parse_processors(b"cpu  1 2 3\ncpufreq 1\nintr cpu0 1\n") == parse.parse_processors(b"") == 0


CPUINFO = b"processor\t: %d\nmodel name\t: X hypervisor\nphysical id\t: %d\nflags\t\t: fpu %s\n\n"


def test_processors_of_one_package_name_it_alike() -> None:
    four = b"".join(CPUINFO % (at, at // 2, b"vme") for at in range(4))
    assert parse.parse_packages(four) == 2
    assert parse.parse_packages(b"processor\t: 0\nBogoMIPS\t: 50\n") == parse.parse_packages(b"") == 0


@pytest.mark.parametrize(
    ("cpuinfo", "hypervisor"),
    [
        (CPUINFO % (0, 0, b"vme hypervisor"), True),
        (CPUINFO % (0, 0, b"hypervisor vme"), True),
        (CPUINFO % (0, 0, b"vme no_hypervisor hypervisors"), False),
        (b"flags\t\t:\n", False),
        (b"Features\t: fp asimd\n", None),
        (b"", None),
    ],
)
def test_a_flag_says_whether_a_processor_is_virtual(cpuinfo: bytes, hypervisor: bool | None) -> None:
    assert parse.parse_hypervisor(cpuinfo) is hypervisor


@given(st.binary(max_size=100))
def test_any_list_of_processors_is_counted(content: bytes) -> None:
    assert parse.parse_processors(content + b"\ncpu7 1\n") >= 1
    assert parse.parse_packages(content + b"\nphysical id\t: 1\n") >= 1
    assert parse.parse_hypervisor(b"flags\t: hypervisor\n" + content) is True


# Lines of passwd(5) and group(5)

words = st.text(st.characters(exclude_characters=":\n,", exclude_categories=["Cs"]), max_size=10)


@given(st.builds(Account, words, st.integers(0), st.integers(0), words, words, words, *[st.none()] * 5))
def test_a_line_of_passwd_is_unchanged(account: Account) -> None:
    line = f"{account.name}:x:{account.uid}:{account.gid}:{account.gecos}:{account.home}:{account.shell}\n"
    assert parse_account(line.encode()) == account


@given(words, st.integers(0), st.lists(words.filter(bool), max_size=4))
def test_a_line_of_group_is_unchanged(name: str, gid: int, members: list[str]) -> None:
    assert parse_group(f"{name}:x:{gid}:{','.join(members)}\n".encode()) == Group(name, gid, tuple(members))


@given(st.binary(max_size=60) | st.from_regex(rb"[^:]*:x:[^:]{0,6}:[^:]{0,6}(:[^:]{0,3}){0,4}", fullmatch=True))
def test_a_line_of_another_form_is_a_value_error_and_nothing_else(line: bytes) -> None:
    for parse_line in (parse_account, parse_group):
        try:
            row = parse_line(line)
        except ValueError:
            continue
        assert row._replace(local=True).local
        assert row[1] >= 0
