"""Tests of faces/cli/user.py: commands add, list and remove users, and a password is never shown."""

import contextlib
import io
import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope.app import open_user_file
from logonscope.client import Host
from logonscope.extras import install_command
from logonscope.faces.cli.run import run
from logonscope.faces.cli.user import WITH_NTLM, WITHOUT_NTLM
from logonscope.server.auth.user_file import UserFile
from tests.conversation import reply

PASSWORD = "correct horse battery staple"  # noqa: S105 -- a test's


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "users")


def typed(words: str, path: str, given: bytes = f"{PASSWORD}\n".encode()) -> tuple[int, str, str]:
    """Type a command of `logonscope user`; return exit code, standard output and standard error."""
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(given))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["user", *words.split(), "--users", path], no_host, open_user_file)
    finally:
        sys.stdin = before
    return code, out.getvalue(), err.getvalue()


def no_host(*_: object, **__: object) -> Host:
    raise AssertionError("no machine is asked")


def test_users_are_added_listed_and_removed(path: str) -> None:
    assert typed("add root --administrator --ntlm --password-stdin", path) == (
        0, "", f"logonscope: added user root, who sees everything\nlogonscope: {WITH_NTLM}\n",
    )  # fmt: skip
    assert typed("add web --uid 1000 --password-stdin", path) == (
        0,
        "",
        f"logonscope: added user web, who sees the logon sessions of uid 1000\nlogonscope: {WITHOUT_NTLM}\n",
    )
    assert typed("add scanner --administrator --password-stdin", path)[0] == 0
    assert typed("list", path) == (
        0,
        (
            "NAME     UID   ROLE           NTLM\n"
            "root     0     administrator  yes\n"
            "web      1000  user           no\n"
            "scanner  -     administrator  no\n"
        ),
        "",
    )
    assert typed("list -o csv", path)[1] == (
        "name,uid,administrator,ntlm\nroot,0,True,True\nweb,1000,False,False\nscanner,,True,False\n"
    )
    assert [json.loads(line) for line in typed("list -o jsonl", path)[1].splitlines()] == json.loads(
        typed("list -o json", path)[1]
    )
    assert typed("remove WEB", path) == (0, "", "logonscope: removed user WEB from the server\n")
    assert [user.name for user in UserFile(path).users()] == ["root", "scanner"]
    caller = UserFile(path).verify("Scanner", PASSWORD)
    assert caller is not None
    assert caller.administrator


def test_locked_names_are_listed_in_a_notice(path: str) -> None:
    typed("add web --uid 1000 --password-stdin", path)
    with open(path, "a", encoding="utf-8") as lines:
        lines.write("Bob:1:auditor:secret:\neve:2:user:!:\n")
    code, out, notice = typed("list", path)
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, ["NAME", "web"])
    assert notice == "logonscope: locked, because their lines give no access: Bob, eve\n"
    typed("remove bob", path)
    typed("remove eve", path)
    assert typed("list", path)[2] == ""


def test_no_folder_is_made(path: str) -> None:
    folder = f"{os.path.dirname(path)}/nonexist"
    said = f"logonscope: folder {folder} does not exist; create it, or correct the name\n"
    assert typed("add web --uid 1000 --password-stdin", f"{folder}/users") == (2, "", said)
    assert not os.path.exists(folder)


def test_the_file_and_its_folder_are_private(path: str) -> None:
    typed("add scanner --administrator --password-stdin", path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_what_cannot_be_is_refused_in_one_line(path: str) -> None:
    said = {
        "list": (1, f"{path} does not exist; see `logonscope user add --help`"),
        "remove nobody": (1, f"{path} has no user 'nobody'; see `logonscope user list --users {path}`"),
        "add no-such-account --password-stdin": (
            2,
            (
                "there is no account 'no-such-account'; give --uid (the user sees the logon sessions of that uid) "
                "or --administrator"
            ),
        ),
        "add root --password-stdin": (
            2,
            "a user with uid 0 must be an administrator; see `logonscope user add --help`",
        ),
        "add a:b --administrator --password-stdin": (
            2,
            (
                'invalid name: expected 1 to 64 characters without : / \\ @ ", no # first, no space at an end; '
                "see `logonscope user add --help`"
            ),
        ),
        "add scanner --administrator": (
            2,
            "cannot prompt for the password: standard input is not a terminal; use --password-stdin",
        ),
    }
    for words, (code, text) in said.items():
        assert typed(words, path) == (code, "", f"logonscope: {text}\n")


@pytest.mark.parametrize("given", [b"", b"\n", b"short\n", b"x" * 100_000, b"\xff\xfe passwort \xff\n"])
def test_a_password_that_cannot_be_is_refused_and_not_shown(path: str, given: bytes) -> None:
    code, out, err = typed("add scanner --administrator --password-stdin", path, given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "short\n" not in err
    assert "xxx" not in err
    assert UserFile(path).users() == ()


def test_a_name_is_given_once(path: str) -> None:
    typed("add scanner --administrator --password-stdin", path)
    assert typed("add SCANNER --administrator --password-stdin", path) == (
        2, "", f"logonscope: {path} already has a user 'SCANNER'; remove that user first\n",
    )  # fmt: skip


def test_a_user_who_cannot_read_the_file_gets_no_prompt(path: str) -> None:
    typed("add scanner --administrator --password-stdin", path)
    os.chmod(path, 0o644)
    said = f"logonscope: {path} is open to others (mode 644); chmod 600 {path}\n"
    for words in ("list", "add other --administrator", "remove scanner"):
        assert typed(words, path) == (3, "", said)


def test_on_a_terminal_the_password_is_requested_twice_and_not_echoed(path: str) -> None:
    code, shown = on_terminal(path, PASSWORD, PASSWORD)
    assert (code, PASSWORD in shown) == (0, False)
    assert "Password of scanner:" in shown
    assert UserFile(path).verify("scanner", PASSWORD) is not None


def test_on_a_terminal_two_passwords_that_differ_are_refused(path: str) -> None:
    code, shown = on_terminal(path, PASSWORD, "another one than before")
    assert code == 2
    assert "the passwords differ; type the same one twice" in shown
    assert not os.path.exists(path)


def on_terminal(path: str, *answers: str) -> tuple[int, str]:
    """Add a user on a terminal of its own; return the exit code and what was to be seen."""
    command = [sys.executable, "-m", "logonscope", "user", "add", "scanner", "--administrator", "--users", path]
    ours, theirs = pty.openpty()
    shown, waiting = b"", list(answers)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as child:
        os.close(theirs)
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(ours, 4096):
                shown += data
                if data.rstrip().endswith(b":") and waiting:
                    os.write(ours, f"{waiting.pop(0)}\n".encode())
    os.close(ours)
    return child.returncode, shown.decode()


def test_the_command_imports_no_server_beyond_the_file(path: str) -> None:
    program = "import sys; from logonscope.command import main; main(); print(*sys.modules)"
    child = [sys.executable, "-c", program, "user", "list", "--users", path]
    modules = set(subprocess.run(child, capture_output=True, text=True, check=True).stdout.split())
    assert "logonscope.server.auth.user_file" in modules
    assert not modules & {"lxml", "starlette", "uvicorn", "spnego", "asyncio", "pamela", "logonscope.server.http"}


def test_without_the_extra_the_command_says_what_to_install(path: str) -> None:
    program = "import sys; sys.modules['argon2'] = None; from logonscope.command import main; sys.exit(main())"
    child = [sys.executable, "-c", program, "user", "list", "--users", path]
    done = subprocess.run(child, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, f"logonscope: cannot manage users: module argon2 is not installed; run {install_command('server')}\n",
    )  # fmt: skip


@pytest.mark.parametrize("action", ["add", "list", "remove"])
def test_every_action_has_help_with_examples(action: str) -> None:
    code, out, err = reply(["user", action, "--help"])
    assert (code, err) == (0, "")
    assert f"examples:\n  sudo logonscope user {action}" in out


def test_bash_completes_an_action_and_its_options(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(reply(["completion", "bash"])[1])
    for words, completed in (("user re", "remove"), ("user add --ad", "--administrator")):
        line = f"logonscope {words}"
        asked = f"""source {script}
        COMP_WORDS=({line}); COMP_CWORD={len(words.split())}; COMP_LINE="{line}"
        $(complete -p logonscope | sed 's/.*-F \\([^ ]*\\).*/\\1/') logonscope {words.split()[-1]} user
        echo "${{COMPREPLY[@]}}\""""
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == completed
