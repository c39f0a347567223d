"""Tests of server/systemd.py: the service manager is notified, over a real datagram socket."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.server.systemd import keep_watchdog, notify, notify_reloading, watchdog_seconds
from tests.lab.fixtures import skip_or_fail

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@logonscope-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("\0" + name[1:] if name[0] == "@" else name)
        made.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield made


def test_messages_reach_the_service_manager(manager: socket.socket) -> None:
    assert notify("READY=1", "STATUS=listening on http://127.0.0.1:5985")
    assert manager.recv(999) == b"READY=1\nSTATUS=listening on http://127.0.0.1:5985"


def test_a_reload_has_its_time(manager: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    notify_reloading()
    first, second = manager.recv(999).split(b"\n")
    assert first == b"RELOADING=1"
    assert before <= int(second.removeprefix(b"MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "relative"])
def test_without_a_service_manager_nothing_is_sent(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify("READY=1")


def test_a_service_manager_that_is_gone_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify("READY=1")
    assert "cannot notify the service manager of READY=1: " in caplog.text


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [("30000000", None, 30), pytest.param("500000", str(os.getpid()), 0.5, id="ours"), ("500000", "1", None),
     ("0", None, None), ("soon", None, None), ("", None, None)],
)  # fmt: skip
def test_how_long_a_silence_may_be(
    microseconds: str, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_seconds() == seconds


def test_the_watchdog_hears_from_us_twice_in_its_time(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)

    async def live() -> None:
        keeping = asyncio.create_task(keep_watchdog(bool))
        await asyncio.sleep(0.25)
        keeping.cancel()

    asyncio.run(live())
    assert [manager.recv(99) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(99)


def test_a_server_that_is_stuck_lets_the_watchdog_bark(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    answers = iter([False, True, True])

    async def live() -> None:
        keeping = asyncio.create_task(keep_watchdog(lambda: next(answers)))
        await asyncio.sleep(0.25)
        keeping.cancel()

    asyncio.run(live())
    assert manager.recv(99) == b"WATCHDOG=1"
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(99)
    assert caplog.text.count("watchdog not notified") == 1


def test_without_a_watchdog_there_is_nothing_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    asyncio.run(asyncio.wait_for(keep_watchdog(bool), 1))


def systemd_analyze(*words: str) -> str:
    if not shutil.which("systemd-analyze"):
        skip_or_fail("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    if "Failed to create directory" in done.stderr:
        skip_or_fail("systemd-analyze wants /run/systemd, which only root can make")
    return done.stdout + done.stderr


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in ("logonscope.service", "logonscope.socket"):
        text = (PACKAGING / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("/opt/logonscope/bin/logonscope", sys.executable), encoding="utf-8")
    said = systemd_analyze("verify", "--man=no", *(str(path) for path in sorted(tmp_path.iterdir())))
    assert [line for line in said.splitlines() if "logonscope" in line] == []


def test_the_service_is_confined() -> None:
    said = systemd_analyze("security", "--offline=true", "--no-pager", str(PACKAGING / "logonscope.service"))
    (exposure,) = re.findall(r"Overall exposure level for logonscope\.service: ([\d.]+)", said)
    assert float(exposure) <= 2.5, said
