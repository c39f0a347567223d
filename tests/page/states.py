"""The states of the page: how each is reached, and what shows that it is there."""

from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page

from logonscope.facts import FailedLogon, UserChange
from tests.page.browser import LABELS, RULER
from tests.page.eventful import Eventful
from tests.server.running import ADMIN, ALICE


class State(NamedTuple):
    """A state: its address, what it waits for, on which host, for whom, and what is done to get there.

    ``happens`` is what the host "following" does while the page is shown.
    """

    address: str
    shows: str
    host: str = "busy"
    user: tuple[str, str] | None = ADMIN
    act: Callable[[Page], object] | None = None
    happens: Callable[[Eventful], object] | None = None


def _open_account(page: Page) -> None:
    page.click("#account")


def _open_keys(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("?")


def _log_in_wrongly(page: Page) -> None:
    page.fill("#user", "alice")
    page.fill("#password", "wrong password")
    page.click("button[type=submit]")


def _lose(page: Page) -> None:
    page.context.set_offline(True)


def _click_a_process(page: Page) -> None:
    page.wait_for_selector("text=outlived bob")
    lanes = page.locator(".lanes")
    box = lanes.bounding_box()
    assert box
    lanes.click(position={"x": box["width"] * 0.8, "y": 130})


def _list_the_span(page: Page) -> None:
    page.wait_for_selector("text=3 logons of 2 users")
    page.locator(".lanes").press("Enter")


def _click_failed_logins(page: Page) -> None:
    page.wait_for_selector("text=40 logins failed")
    lanes = page.locator(".lanes")
    box = lanes.bounding_box()
    assert box
    # on a phone, the lanes have their names above
    left, top = (0, 17) if box["width"] <= 720 else (LABELS, 0)
    lanes.click(position={"x": left + (box["width"] - left) / 2, "y": RULER + 16 + top})


def _let_things_happen(host: Eventful) -> None:
    """Let alice become root, somebody guess passwords, and dave log in."""
    host.become(4312, UserChange(1000, "alice", 0, "root", is_complete=True, through="sudo", command="/bin/sh"))
    for _ in range(3):
        host.refuse(FailedLogon("sshd", 0, "oracle", address="192.0.2.66", reason="invalid user"))
    host.log_in_by_ssh(91, 1003, "dave", "192.0.2.91")


STATES = {
    "login": State("#live", "text=See who started what", user=None),
    "login-failed": State("#live", "text=Unknown user or wrong password.", user=None, act=_log_in_wrongly),
    "live": State("#live", "text=people are logged in"),
    "live-process": State("#live?sel=4312", "text=It runs as root, by sudo"),
    "live-login": State("#live?sel=s41", "text=alice\u2019s login"),
    "live-record-gone": State("#live?sel=s70", "text=dave\u2019s login"),
    "live-container": State("#live?sel=6140", "text=as uid 100032 of this host"),
    "live-left-over": State("#live?mark=left", "text=2 processes in 1 logon session"),
    "live-search": State("#live?q=user%3Aroot", ".hits:has-text('logon session')"),
    "live-nothing-fits": State("#live?q=no+such+thing", "text=Nothing fits"),
    "live-no-such-process": State("#live?sel=99999", "text=There is no such process now"),
    "live-ordinary-user": State("#live", "text=You see your own logon sessions", user=ALICE),
    "live-nobody": State("#live", "text=Nobody is logged in", host="quiet"),
    "live-nothing-left-over": State("#live?mark=left", "text=Nothing is left over", host="quiet"),
    "live-crowd": State("#live", "text=60 people are logged in", host="crowd"),
    "live-lost": State("#live", "text=This is what was true then", act=_lose),
    "live-past": State("#live?at=2026-01-01T08:45:00Z", "text=4 people were logged in", host="past"),
    "live-past-process": State("#live?at=2026-01-01T10:50:00Z&sel=4312", "text=It runs as root, by sudo", host="past"),
    "live-past-not-kept": State("#live?at=2025-12-31T20:00:00Z", "text=No history of 2025-12-31", host="past"),
    "timeline": State("#timeline", "text=outlived bob\u2019s logout at 08:58", host="past"),
    "timeline-named": State(
        "#timeline?from=2026-01-01T08:20:00Z&to=2026-01-01T10:20:00Z", "text=6 logons of 4 users in 2 h", host="past"
    ),
    "timeline-month": State(
        "#timeline?from=2025-12-03T00:00:00Z&to=2026-01-01T12:00:00Z", "text=in 29 days", host="past"
    ),
    "timeline-moment": State(
        "#timeline?from=2026-01-01T08:20:00Z&to=2026-01-01T10:20:00Z",
        "text=Tree as of",
        host="past",
        act=_click_a_process,
    ),
    "timeline-list": State(
        "#timeline?from=2026-01-01T03:00:00Z&to=2026-01-01T04:40:00Z",
        "text=processes started",
        host="past",
        act=_list_the_span,
    ),
    "timeline-ordinary-user": State("#timeline", "text=3 logons of yours", host="past", user=ALICE),
    "timeline-without-history": State("#timeline", "text=This host keeps no history"),
    "whose": State("#whose", "text=Which login started it?"),
    "whose-one": State("#whose/4312", "text=who logged in from 203.0.113.7"),
    "whose-many": State("#whose/python3", "text=Which one?"),
    "whose-none": State("#whose/99999", "text=There is no process 99999"),
    "whose-no-login-known": State("#whose/5712", "text=No login is known for"),
    "query": State("#query", "text=2 rows"),
    "query-mistake": State(
        "#query?ns=root%2Fcimv2&text=SELECT+Handle%2C+Nme+FROM+Win32_Process",
        "text=Win32_Process has no property 'Nme', at line 1, column 16; did you mean Name?",
    ),
    "query-no-rows": State(
        "#query?ns=root%2Fcimv2&text=SELECT+*+FROM+Win32_Process+WHERE+Handle+%3D+%271000000%27",
        "text=The query is right; nothing fits it.",
    ),
    "health": State("#health", "text=the kernel keeps an audit session id"),
    "health-ordinary-user": State("#health", "text=Your own logon sessions are complete", user=ALICE),
    "account": State("#live", "text=Log out everywhere", act=_open_account),
    "keys": State("#live", "text=Left over only", act=_open_keys),
    "live-following": State(
        "#live", ".live:has(.feed li:has-text('dave logged in')) #r-s91", host="following", happens=_let_things_happen
    ),
    "health-figures": State("#health", ".figs:has-text('3.2 MB a day')", host="figures"),
    "timeline-failed-logins": State(
        "#timeline?from=2026-01-01T03:10:00Z&to=2026-01-01T03:30:00Z",
        ".pop h2:has-text('40 logins failed')",
        host="refused",
        act=_click_failed_logins,
    ),
    "live-with-history": State("#live?sel=4312", "text=It runs as root, by sudo", host="past"),
}
