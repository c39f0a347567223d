"""Tests of server/page_browser.py: by sudo, `logonscope page` opens a browser of the user who ran sudo."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.server.page_browser import find_sudo_user
from tests.lab.systemd import wait_until

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="runs a program as another user")
USER = pwd.getpwnam("daemon")

# what a browser does first: it reads the file, as the user that runs it
BROWSER = """#!/bin/sh
{ id -u; id -G; echo "$HOME ${SUDO_UID-unset}"; cat "${1#file://}"; } > "$0.said.new" 2>&1
mv "$0.said.new" "$0.said"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory in which the user may write: the directories of pytest are root's alone."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)  # noqa: S103 -- another user writes
        yield Path(name)


@ROOT
def test_the_browser_and_the_file_are_those_of_the_user_of_sudo(folder: Path) -> None:
    browser = folder / "xdg-open"
    browser.write_text(BROWSER, encoding="utf-8")
    browser.chmod(0o755)
    environment = os.environ | {"SUDO_UID": str(USER.pw_uid), "PATH": f"{folder}:{os.environ['PATH']}"}
    environment.pop("XDG_RUNTIME_DIR", None)
    command = [sys.executable, "-m", "logonscope", "page"]
    with subprocess.Popen(command, env=environment | {"TMPDIR": str(folder)}, stdout=subprocess.PIPE) as process:
        try:
            said = folder / "xdg-open.said"
            wait_until(said.exists, 30, "the browser has read the file")
            uid, groups, home, *page = said.read_text(encoding="utf-8").splitlines()
            (page_folder,) = folder.glob("logonscope-page-*")
            assert page_folder.stat().st_uid == 0
            assert (page_folder / "page.html").stat().st_mode & 0o777 == 0o600
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    assert int(uid) == USER.pw_uid
    assert set(map(int, groups.split())) == set(os.getgrouplist(USER.pw_name, USER.pw_gid))
    assert home == f"{USER.pw_dir} unset"
    assert any("#once=" in line for line in page)
    assert not page_folder.exists()


@pytest.mark.parametrize("uid", [None, "", "0", "-1", "+1", "1e3", "4294967294", "99999999999999999999"])
def test_without_sudo_or_with_an_unknown_uid_it_is_ones_own(uid: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if uid is None:
        monkeypatch.delenv("SUDO_UID", raising=False)
    else:
        monkeypatch.setenv("SUDO_UID", uid)
    assert find_sudo_user() is None


@ROOT
def test_the_user_of_sudo_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(USER.pw_uid))
    assert find_sudo_user() == USER
