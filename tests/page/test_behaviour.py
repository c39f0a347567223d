"""What the page does: keys, rows that wait, sessions that end, a server that restarts, files, and a recording."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet
import pytest
from playwright.sync_api import Browser, Page, expect

from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.page import hosts
from tests.page.browser import Watch, new_context, sign_in
from tests.page.conftest import Servers
from tests.page.hosts import Churning
from tests.server.running import ADMIN, ALICE, RunningServer, running

PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def opened(
    browser: Browser, origin: str, address: str = "#live", *, user: tuple[str, str] = ADMIN, tolerated: str = "",
    has_clock: bool = False,
) -> Iterator[Page]:  # fmt: skip
    """Open the page and log in; at the end nothing must have happened that must not.

    ``has_clock``: the clock of the page can be put forward.
    """
    context = new_context(browser, accept_downloads=True)
    if has_clock:
        context.clock.install()
    page = context.new_page()
    watch = Watch(origin, tolerated=re.compile(tolerated) if tolerated else None)
    watch.follow(page)
    sign_in(page, origin, user, address)
    yield page
    assert watch.problems == []
    context.close()


@pytest.fixture
def page(browser: Browser, servers: Servers) -> Iterator[Page]:
    # The browser reports an answer with an error status, such as that to a query that is not complete yet.
    with opened(browser, servers.origin("busy"), tolerated="status of 40[04]") as page:
        page.wait_for_selector(".row")
        yield page


def origin_of(server: RunningServer) -> str:
    return f"https://127.0.0.1:{server.https}"


def test_keys(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("train")
    expect(page.locator(".hits")).to_have_text("1 process in 1 logon session")
    assert "q=train" in page.url
    page.keyboard.press("Escape")
    expect(page.locator(".hits")).to_have_text("")
    page.keyboard.press("ArrowDown")  # from the search to the tree
    rows = page.locator("[role=treegrid]").get_attribute("aria-rowcount")
    page.keyboard.press("ArrowLeft")  # fold the first logon session
    expect(page.locator("[role=treegrid]")).not_to_have_attribute("aria-rowcount", rows or "")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[role=treegrid]")).to_have_attribute("aria-rowcount", rows or "")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row.on")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".side button").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".row.on")).to_have_count(0)
    page.keyboard.press("l")
    expect(page.locator(".hits")).to_have_text("2 processes in 1 logon session")
    page.keyboard.press("l")
    page.keyboard.press("Control+f")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    for key, view in (("2", "timeline"), ("3", "whose"), ("4", "query"), ("5", "health"), ("1", "live")):
        page.locator("main").focus()
        page.keyboard.press(key)
        expect(page.locator(f".tabs a[data-view={view}]")).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize(
    ("words", "hits"),
    [
        ("user:carol", "4 processes in 1 logon session"),
        ("port:8080", "1 process in 1 logon session"),
        ("from:198.51.100", "2 processes in 1 logon session"),
        ("pid:1", "1 process in 1 logon session"),
        ("user:root sudo", "2 processes in 2 logon sessions"),
        ("user:nobody", ""),
    ],
)
def test_the_search_looks_into_every_logon_session(page: Page, words: str, hits: str) -> None:
    expect(page.locator(".chip", has_text=":8080")).to_be_visible()  # ports are read a moment later
    page.fill("#search", words)
    if hits:
        expect(page.locator(".hits")).to_have_text(hits)
    else:
        expect(page.locator("text=Nothing fits")).to_be_visible()


def test_who_runs_something_as_a_third_user_did_not_become_root(page: Page) -> None:
    # alice's sudo runs a program as root; carol's runs one as postgres
    expect(page.locator(".say")).to_contain_text("1 time somebody became root.")
    psql, sudo = page.locator(".row.pr", has_text="psql shop"), page.locator(".row.pr", has_text="sudo -u postgres")
    expect(psql).to_contain_text("postgres by sudo")
    expect(sudo).not_to_contain_text("root by sudo")
    page.click(".say button:has-text('1 time')")
    expect(page.locator(".hits")).to_have_text("1 process in 1 logon session")
    expect(page.locator(".row.pr", has_text="root by sudo")).to_have_count(1)
    page.click(".tog:has-text('Changed user')")
    expect(page.locator(".hits")).to_have_text("3 processes in 2 logon sessions")
    expect(psql).to_be_visible()


def test_a_link_opens_what_it_names(page: Page) -> None:
    page.evaluate("location.hash = '#live?sel=1'")  # in the System session, which is folded
    expect(page.locator(".row.on .cp")).to_have_text("1")
    page.click(".side .anc button")
    expect(page.locator(".side h2")).to_have_text("System session")


def test_rows_wait_while_the_pointer_is_in_the_tree(browser: Browser) -> None:
    host = Churning(hosts.busy(), 2)
    with running(host) as server, opened(browser, origin_of(server)) as page:
        page.hover(".row.pr >> nth=3")
        rows = page.evaluate("() => [...document.querySelectorAll('.row')].map((row) => row.id + row.style.transform)")
        host.turn()
        expect(page.locator(".hits")).to_have_text("4 changes waiting")
        now = page.evaluate("() => [...document.querySelectorAll('.row')].map((row) => row.id + row.style.transform)")
        assert now == rows
        page.hover(".say")
        expect(page.locator(".hits")).to_have_text("")
        expect(page.locator(".chip.new").first).to_be_visible()
        expect(page.locator(".row.done").first).to_be_visible()


def test_the_first_row_that_is_seen_stays_where_it_is(browser: Browser) -> None:
    host = Churning(hosts.busy(), 5)
    with running(host) as server, opened(browser, origin_of(server)) as page:
        page.set_viewport_size({"width": 1440, "height": 420})
        page.evaluate("document.querySelector('.tree').scrollTop = 300")
        page.wait_for_timeout(200)
        place = "() => document.querySelector('[id^=r-p5201-]')?.getBoundingClientRect().y"
        page.evaluate("location.hash = '#live?sel=5201'")
        expect(page.locator(".row.on")).to_have_count(1)
        before = page.evaluate(place)
        host.turn()
        expect(page.locator(".row.done, .chip.new").first).to_be_attached()
        assert page.evaluate(place) == before


def test_a_session_that_has_ended_requests_the_password_again(browser: Browser) -> None:
    with (
        running(Memory(hosts.busy())) as server,
        opened(browser, origin_of(server), "#live?sel=4312", tolerated="status of 401") as page,
    ):
        page.wait_for_selector(".row")
        assert server.services.sessions is not None
        server.services.sessions.end_all(ADMIN[0])
        expect(page.locator("text=Your session has ended. Log in again.")).to_be_visible()
        # Nothing of the host is left behind the form.
        assert page.locator("main *").count() == 0
        page.fill("#user", ADMIN[0])
        page.fill("#password", ADMIN[1])
        page.click("button[type=submit]")
        expect(page.locator(".row.on .cp")).to_have_text("4312")


def test_a_server_that_restarts(browser: Browser) -> None:
    tolerated = "ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET|status of 401"
    with running(Memory(hosts.busy())) as server:
        port, origin = server.https, origin_of(server)
        pages = opened(browser, origin, "#live?sel=4312", tolerated=tolerated)
        page = pages.__enter__()
        page.wait_for_selector(".row")
    expect(page.locator("text=This is what was true then")).to_be_visible()
    expect(page.locator(".row.on .cp")).to_have_text("4312")  # the last truth stays
    listen = ["http://127.0.0.1:0", f"https://127.0.0.1:{port}"]
    with running(Memory(hosts.busy()), listen=listen):
        page.click("text=Try now")
        expect(page.locator("text=Your session has ended. Log in again.")).to_be_visible()
        page.fill("#user", ADMIN[0])
        page.fill("#password", ADMIN[1])
        page.click("button[type=submit]")
        expect(page.locator(".row.on .cp")).to_have_text("4312")
        pages.__exit__(None, None, None)


def test_the_cookie_is_for_the_browser_alone_and_logging_out_ends_the_session(page: Page) -> None:
    cookies = [cookie for cookie in page.context.cookies() if cookie.get("name") == "__Host-logonscope"]
    assert [(one.get("httpOnly"), one.get("secure"), one.get("sameSite"), one.get("path")) for one in cookies] == [
        (True, True, "Strict", "/")
    ]
    assert page.evaluate("document.cookie") == ""
    page.reload()
    page.wait_for_selector(".row")  # the session outlives a reload
    page.click("#account")
    page.click("text=Log out >> nth=0")
    expect(page.locator("#user")).to_be_visible()
    page.reload()
    expect(page.locator("#user")).to_be_visible()
    assert page.context.cookies() == []


def test_without_tls_there_is_no_form(browser: Browser, servers: Servers) -> None:
    servers.origin("busy")
    with running(Memory(hosts.busy())) as server:
        context = new_context(browser)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.http}/")
        expect(page.locator("text=No login without TLS")).to_be_visible()
        assert page.locator("input").count() == 0
        assert context.cookies() == []
        context.close()


def test_an_ordinary_user_sees_only_their_own(browser: Browser, servers: Servers) -> None:
    with opened(browser, servers.origin("busy"), user=ALICE) as page:
        expect(page.locator(".own")).to_contain_text("You see your own logon sessions and processes")
        expect(page.locator(".out button")).to_have_count(2)
        assert "bob" not in page.locator("main").inner_text()


def test_query_completes_from_the_schema_and_saves_files(page: Page, tmp_path: Path) -> None:
    text = "SELECT Handle, ProcessId, Name, SessionId FROM Win32_Process WHERE Handle = '4312' OR Handle = '1'"
    page.evaluate("(text) => location.hash = '#query?' + new URLSearchParams({ns: 'root/cimv2', text})", text)
    expect(page.locator("tbody tr")).to_have_count(2)
    files = {}
    for name in ("CSV", "JSON", "Parquet"):
        with page.expect_download() as download:
            page.click(f"text={name}")
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
    assert files["CSV"].read_bytes() == (
        b"Handle,ProcessId,Name,SessionId\r\n1,1,systemd,0\r\n4312,4312,python3,41\r\n"
    )
    assert [row["properties"]["Handle"] for row in json.loads(files["JSON"].read_text())] == ["1", "4312"]
    table = pyarrow.parquet.read_table(files["Parquet"])
    assert table.to_pydict() == {
        "Handle": ["1", "4312"], "ProcessId": [1, 4312], "Name": ["systemd", "python3"], "SessionId": [0, 41],
    }  # fmt: skip
    page.click(".cm-content")
    page.keyboard.press("Control+a")
    page.keyboard.type("SELECT Handle FROM Win32_SessionPr")
    expect(page.locator(".cm-completionLabel").first).to_have_text("Win32_SessionProcess")
    # A word that is still being typed is no mistake.
    page.wait_for_timeout(600)
    expect(page.locator("#mistake")).to_be_hidden()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "web1.lsr"
    save_recording(hosts.busy(), str(path), replace=True)
    return path


def test_the_command_opens_a_recording_once(browser: Browser, recording: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "logonscope", "page", "--no-browser", str(recording)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        match = re.search(r"file://(\S+)", process.stdout.readline())
        assert match
        redirect = Path(match[1])
        assert stat.S_IMODE(redirect.stat().st_mode) == 0o600
        assert stat.S_IMODE(redirect.parent.stat().st_mode) == 0o700
        token = re.search(r"#once=([\w-]+)", redirect.read_text())
        assert token
        assert token[1] not in Path(f"/proc/{process.pid}/cmdline").read_text()
        context = new_context(browser)
        page = context.new_page()
        page.goto(f"file://{redirect}")
        expect(page.locator(".row.sh").first).to_be_visible()
        assert "once" not in page.url
        expect(page.locator("#pulse")).to_have_text("Recording of 2026-01-01")
        expect(page.locator(".row.sh", has_text="alice").first).to_contain_text("ssh key")
        page.fill("#search", "key:q1wb")
        expect(page.locator(".hits")).to_contain_text("in 1 logon session")
        assert context.cookies() == []
        page.reload()
        expect(page.locator("text=This page has ended")).to_be_visible()
        page.goto(f"file://{redirect}")
        expect(page.locator("text=This address was opened already, or has expired.")).to_be_visible()
        context.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not redirect.parent.exists()
