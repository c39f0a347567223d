"""Names and arguments of processes that try to become part of the page are shown as text in every view."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.page.browser import Watch, new_context, sign_in
from tests.page.conftest import Servers
from tests.page.hosts import FIRST_HOSTILE, HOSTILE

PIDS = range(FIRST_HOSTILE, FIRST_HOSTILE + len(HOSTILE))


@pytest.fixture
def page(browser: Browser, servers: Servers) -> Iterator[Page]:
    origin = servers.origin("busy")
    context = new_context(browser)
    page = context.new_page()
    # The browser reports an answer with an error status, such as that to a query that is none.
    watch = Watch(origin, tolerated=re.compile("status of 40[04]"))
    watch.follow(page)
    sign_in(page, origin)
    page.wait_for_selector(".row")
    yield page
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script, main svg[onload]").count() == 0
    assert watch.problems == []
    context.close()


def test_the_tree_and_the_details_show_them(page: Page) -> None:
    for pid, text in zip(PIDS, HOSTILE, strict=True):
        page.evaluate(f"location.hash = '#live?sel={pid}'")
        page.wait_for_selector(f".side dd:text-is('{pid}')")
        shown = page.locator(".side .dh .mono").inner_text()
        # Characters that would change the direction or the look of a text are written out.
        assert "\u202e" not in shown
        assert "\x1b" not in shown
        assert shown.startswith(text.replace("\u202e", "⟨U+202E⟩").split("\u2066")[0])
        assert page.locator(f".row.on .cp:text-is('{pid}')").count() == 1


def test_whose_and_query_show_them(page: Page) -> None:
    page.evaluate(f"location.hash = '#whose/{PIDS[0]}'")
    page.wait_for_selector(".answer code")
    assert page.locator(".answer code").inner_text() == HOSTILE[0][:15]
    text = "SELECT Handle, CommandLine FROM Win32_Process WHERE CommandLine LIKE '%hacked%'"
    page.evaluate("(text) => location.hash = '#query?' + new URLSearchParams({ns: 'root/cimv2', text})", text)
    page.wait_for_selector("td.mono")
    assert page.locator("tbody tr").count() == sum("hacked" in one for one in HOSTILE)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_address_that_a_stranger_wrote_shows_them(page: Page, text: str) -> None:
    for view in ("live?q=", "live?sel=", "live?user=", "live?sel=s", "whose/", "query?text="):
        page.evaluate("([view, text]) => location.hash = `#${view}${encodeURIComponent(text)}`", [view, text])
        page.wait_for_timeout(50)
    page.evaluate("location.hash = '#live'")
    page.wait_for_selector(".row")
