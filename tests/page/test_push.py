"""Tests of the page about a host that has events: rows change by them, and nothing is requested again.

One tab is loaded anew for each test. The clock of the page can be put forward, so that no test waits for its timers.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from logonscope.facts import FailedLogon, Process, UserChange
from logonscope.machine.events import ProcessEnded, ProcessStarted
from tests.broker.memory import Memory
from tests.example import PTS0, process
from tests.page import hosts
from tests.page.browser import Watch, new_context, sign_in
from tests.page.eventful import Eventful
from tests.page.test_behaviour import opened, origin_of
from tests.page.test_states import AXE
from tests.server.running import ADMIN, ALICE, RunningServer, running
from tests.server.serving import wait_until

HIDDEN_MS, HIDDEN_EVENTS = 20_000, 2000
"""When a page that is not seen closes its stream, and how many processes start and end meanwhile."""
OFFLINE = re.compile("ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED")
MARK_MS, RETRY_MS, LOOK_MS, RESUME_MS = 3000, 4000, 3000, 1500
"""How long a row says that it is new or has ended, and until the next attempt, the next look, and a notice."""
_ALICE: dict[str, Any] = {"ses": 41, "loginuid": 1000, "cgroup": "/user.slice/user-1000.slice/session-41.scope"}
_BOB: dict[str, Any] = {"ses": 37, "loginuid": 1001, "cgroup": "/user.slice/user-1001.slice/session-37.scope"}


def command(pid: int, text: str, parent: int = 4151) -> Process:
    """Return a command of alice's, below her shell."""
    return process(pid, parent, 690, text.partition(" ")[0], text, 1000, tty_nr=PTS0, **_ALICE)


class Shown:
    """A page with all rows, the host that it is about, and the paths that it has requested since then."""

    def __init__(self, browser: Browser, host: Eventful, server: RunningServer, user: tuple[str, str] = ADMIN) -> None:
        self.host, self._origin = host, origin_of(server)
        self.requests: list[str] = []
        self.watch = Watch(self._origin)
        context = new_context(browser)
        context.clock.install()
        self.page = context.new_page()
        self.watch.follow(self.page)
        self.page.on("request", lambda one: self.requests.append(one.url.removeprefix(self._origin)))
        sign_in(self.page, self._origin, user)

    def load(self) -> None:
        """Load the page anew, about a host that is as it was in the beginning."""
        self.host.put(**hosts.busy()._asdict())
        self.page.goto("about:blank")
        self.page.goto(f"{self._origin}/#live")
        self.page.wait_for_selector(".row")
        expect(self.page.locator("#pulse")).to_contain_text("Live")
        self.page.mouse.move(1, 1)  # rows wait while it is in the tree
        self.requests.clear()

    def row(self, pid: int) -> str:
        """Return the selector of the row of a process."""
        return f"[id^=r-p{pid}-]"

    def count(self, operation: str) -> int:
        """Return how often an operation was requested."""
        return self.requests.count(f"/v1/{operation}")

    def pass_time(self, milliseconds: int) -> None:
        """Put the clock of the page forward."""
        self.page.clock.fast_forward(milliseconds)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Eventful, RunningServer]]:
    host = Eventful(hosts.busy())
    with running(host) as server:
        yield host, server


@pytest.fixture(scope="module")
def tab(browser: Browser, server: tuple[Eventful, RunningServer]) -> Iterator[Shown]:
    tab = Shown(browser, *server)
    yield tab
    tab.page.context.close()


@pytest.fixture
def live(tab: Shown) -> Iterator[Shown]:
    tab.watch.problems.clear()
    tab.load()
    yield tab
    assert tab.watch.problems == []


def test_rows_come_and_go_by_events_alone(live: Shown, axe: str) -> None:
    page = live.page
    live.host.start(command(8000, "make -j2"), command(8001, "cc1 main.c", 8000))
    expect(page.locator(f"{live.row(8001)} .chip.new")).to_be_visible()
    assert page.locator(f"{live.row(8001)}").get_attribute("aria-level") == "6"
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    live.host.end(8001)
    expect(page.locator(f"{live.row(8001)}.done")).to_be_visible()
    live.pass_time(MARK_MS)
    expect(page.locator(live.row(8001))).to_have_count(0)
    expect(page.locator(f"{live.row(8000)} .chip.new")).to_have_count(0)
    assert (live.count("tree"), live.count("watch")) == (0, 0)


def test_values_change_and_rows_wait_while_the_pointer_is_in_the_tree(live: Shown) -> None:
    page, rows = live.page, "() => [...document.querySelectorAll('.row')].map((row) => row.id + row.style.transform)"
    page.hover(".row.pr >> nth=3")
    before = page.evaluate(rows)
    live.host.start(command(8000, "make"))
    expect(page.locator(".hits")).to_have_text("1 change waiting")
    live.host.end(7000)
    expect(page.locator(".hits")).to_have_text("2 changes waiting")
    sudo = next(one for one in live.host.snapshot.processes if one.pid == 4300)
    live.host.change(sudo._replace(cmdline=b"sudo\0-i\0"))
    expect(page.locator(f"{live.row(4300)} .cmd")).to_have_text("sudo -i")
    assert page.evaluate(rows) == before
    page.hover(".say")
    expect(page.locator(".hits")).to_have_text("")
    expect(page.locator(live.row(8000))).to_be_visible()


def test_rows_come_at_most_four_times_a_second(live: Shown) -> None:
    page = live.page
    page.evaluate("""() => {
      window.steps = [];
      const tree = document.querySelector(".tree");
      let last = tree.getAttribute("aria-rowcount");
      new MutationObserver(() => {
        if (tree.getAttribute("aria-rowcount") !== last) window.steps.push(performance.now());
        last = tree.getAttribute("aria-rowcount");
      }).observe(tree, { attributeFilter: ["aria-rowcount"] });
    }""")
    for number in range(60):
        live.host.start(command(8000 + number, f"sleep {number}"))
        page.wait_for_timeout(20)
    page.fill("#search", "pid:8059")
    expect(page.locator(live.row(8059))).to_be_visible()
    steps = page.evaluate("() => window.steps.slice(0, -1)")  # the last one is that of the search
    # 60 rows come one by one; a step that was late may be followed by one that is in time
    assert 2 <= len(steps) <= (steps[-1] - steps[0]) / 250 + 2


def test_a_login_appears_and_is_left_over_and_ends(live: Shown) -> None:
    page = live.page
    live.host.log_in_by_ssh(90, 1000, "alice", "192.0.2.90")
    head = page.locator("#r-s90")
    expect(head).to_contain_text("192.0.2.90")
    expect(head).to_contain_text("2 processes")
    live.host.log_out("90", 9000)
    expect(head).to_contain_text("logged out")
    page.keyboard.press("l")
    expect(page.locator(live.row(9001))).to_be_visible()
    live.host.end_login("90")
    expect(head).to_have_count(0)
    assert live.count("watch") == 0


def test_what_just_happened_is_told_in_words(live: Shown, axe: str) -> None:
    page, entries = live.page, live.page.locator(".feed li")
    live.host.become(4312, UserChange(1000, "alice", 0, "root", is_complete=True, through="sudo", command="/bin/sh"))
    expect(entries.first).to_contain_text("alice became root by sudo: /bin/sh")
    live.host.refuse(FailedLogon("sshd", 0, "<b>oracle</b>", address="192.0.2.66", reason="invalid user"))
    expect(entries.first).to_contain_text("<b>oracle</b> did not log in from 192.0.2.66: invalid user")
    live.host.refuse(FailedLogon("sshd", 0, "root", address="192.0.2.66", reason="wrong password"))
    expect(entries.first).to_contain_text("root did not log in from 192.0.2.66: wrong password 2 times")
    expect(entries).to_have_count(2)
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    entries.nth(1).locator("button").click()
    expect(page.locator(".row.on .cp")).to_have_text("4312")


def test_health_has_the_events_that_the_page_got(live: Shown, axe: str) -> None:
    page = live.page
    page.click(".tabs a[data-view=health]")

    def shows_figure() -> bool:
        # the page reads the host at the end of this time, unless it still waits for an earlier answer
        live.pass_time(LOOK_MS)
        return page.locator(".fig h2").count() == 1

    wait_until(shows_figure)
    expect(page.locator(".fig h2")).to_have_text(["Events"])
    live.host.start(*(command(8000 + number, "true") for number in range(40)))
    expect(page.locator(".fig p")).to_contain_text("most 40, just now")
    page.evaluate(axe)
    assert page.evaluate(AXE) == []


def test_lost_events_make_the_page_read_everything_again(live: Shown, axe: str) -> None:
    page, host = live.page, live.host
    host.put(processes=(*host.snapshot.processes, command(8000, "unnoticed")))
    host.lose()
    host.start(command(8001, "make"))
    expect(page.locator("#strip")).to_contain_text("so everything was read again")
    expect(page.locator(live.row(8000))).to_be_visible()
    expect(page.locator(live.row(8001))).to_be_visible()
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    assert (live.count("tree"), live.count("watch")) == (1, 0)
    page.click("#strip button")
    expect(page.locator("#strip")).to_have_text("")


def test_a_connection_that_comes_back_goes_on_where_it_was(live: Shown, axe: str) -> None:
    page, lost = live.page, live.page.locator("text=This is what was true then")
    live.watch.tolerated = OFFLINE
    live.host.start(command(8000, "make"))
    expect(page.locator(live.row(8000))).to_be_visible()
    page.context.set_offline(True)
    expect(lost).to_be_visible()
    live.host.start(command(8001, "cc1"))
    page.context.set_offline(False)
    live.pass_time(RETRY_MS)
    expect(page.locator("#strip")).to_contain_text("Connected again")
    live.pass_time(RESUME_MS)
    expect(page.locator("#strip")).to_contain_text("Nothing was missed.")
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    expect(page.locator(live.row(8001))).to_be_visible()
    assert live.count("tree") == 0
    page.context.set_offline(True)
    expect(lost).to_be_visible()
    live.host.lose()
    live.host.start(command(8002, "ld"))
    page.context.set_offline(False)
    live.pass_time(RETRY_MS)
    expect(page.locator("#strip")).to_contain_text("Some events were missed, so everything was read again.")
    expect(page.locator(live.row(8002))).to_be_visible()
    live.watch.tolerated = None


def heap(page: Page) -> float:
    """Return the heap of the page after a collection, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = session.send("Runtime.getHeapUsage")
    session.detach()
    return float(usage["usedSize"]) / 1e6


def set_hidden(page: Page, *, is_hidden: bool) -> None:
    """Tell the page that its tab is hidden, or seen: without a screen, chromium shows every tab."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


def test_a_tab_that_was_hidden_for_an_hour_kept_no_events_and_catches_up(live: Shown) -> None:
    page, host = live.page, live.host
    # what is read a moment later
    expect(page.locator(".chip", has_text=":8080")).to_be_visible()
    expect(page.locator("#r-s41")).to_contain_text("ssh key")
    set_hidden(page, is_hidden=True)
    live.pass_time(HIDDEN_MS)
    live.requests.clear()
    before = heap(page)
    owner, template = host.owners()[4151], command(8000, "make")
    for start in range(HIDDEN_EVENTS):
        one = template._replace(start=(template.start or 0) + start)
        host.publish(partial(ProcessStarted, process=one, owner=owner, parent=None))
        host.publish(partial(ProcessEnded, process=one, owner=owner, status=0))
    host.put(processes=(*host.snapshot.processes, command(8001, "cc1 main.c")))
    for _ in range(12):
        live.pass_time(300_000)
    assert live.requests == []
    assert heap(page) < before + 1
    set_hidden(page, is_hidden=False)
    expect(page.locator(live.row(8001))).to_be_visible()
    assert (live.count("tree"), live.count("watch")) == (1, 1)  # it had closed its stream
    host.start(command(8002, "ld"))
    expect(page.locator(live.row(8002))).to_be_visible()
    assert live.count("tree") == 1


def test_an_ordinary_user_gets_no_row_of_others(browser: Browser, server: tuple[Eventful, RunningServer]) -> None:
    server[0].put(**hosts.busy()._asdict())
    alices = Shown(browser, *server, ALICE)
    alices.page.wait_for_selector(".row")
    alices.page.mouse.move(1, 1)  # it was on the button, where the tree is now
    alices.host.start(process(8000, 3990, 690, "secret", "secret", 1001, **_BOB))
    alices.host.start(command(8001, "make"))
    expect(alices.page.locator(alices.row(8001))).to_be_visible()
    assert "secret" not in alices.page.locator("main").inner_text()
    assert alices.watch.problems == []
    alices.page.context.close()


def test_a_host_without_events_is_asked_again(browser: Browser) -> None:
    requests: list[str] = []
    with running(Memory(hosts.busy())) as server, opened(browser, origin_of(server), has_clock=True) as page:
        page.wait_for_selector(".row")
        page.on("request", lambda one: requests.append(one.url.removeprefix(origin_of(server))))
        page.wait_for_load_state("networkidle")
        page.clock.fast_forward(LOOK_MS)
        expect(page.locator("#pulse")).to_contain_text("Recording of")  # which the second look shows
        page.wait_for_load_state("networkidle")
        assert "/v1/tree" in requests
        assert "/v1/watch" not in requests
