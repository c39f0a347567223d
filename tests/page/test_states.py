"""Tests of every state of the page: its content, its accessibility, and that it makes no forbidden request.

LOGONSCOPE_PAGE=all tries each state in each theme and width; else each in one of them, by turns.
LOGONSCOPE_SCREENSHOTS=FOLDER keeps the screenshots. The state is also compared with pictures that were kept of it, in
both themes; see ``pictures``.
"""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.page.browser import THEMES, WIDTHS, Watch, new_context, sign_in
from tests.page.conftest import Servers
from tests.page.pictures import Pictures
from tests.page.states import STATES, State

ALL = os.environ.get("LOGONSCOPE_PAGE") == "all"
SCREENSHOTS = os.environ.get("LOGONSCOPE_SCREENSHOTS")
LOOKS = list(product(THEMES, WIDTHS))
AXE = """async () => {
  const result = await axe.run(document, {
    resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
  return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""
OVERFLOW = "() => document.documentElement.scrollWidth - innerWidth"


VARYING = {"live-lost", "live-crowd"}
"""States that show the time of the test, or wait for a large answer."""

DRAWN = "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"


def chosen() -> Iterator[tuple[str, str, int]]:
    for number, name in enumerate(STATES):
        for look in LOOKS if ALL else LOOKS[number % 6 :: 6]:
            yield name, *look


class Stage:
    """Opens the states; users stay logged in, in a profile for each theme and width."""

    def __init__(self, browser: Browser, servers: Servers) -> None:
        self._browser, self._servers = browser, servers
        self._blank = browser.new_page()
        self.pictures = Pictures(self._blank)
        self._contexts: dict[Any, BrowserContext] = {}

    def open_state(self, state: State, theme: str, width: int) -> tuple[Page, Watch]:
        """Return a page that shows a state, and the record of what it did."""
        origin = self._servers.origin(state.host)
        watch = Watch(origin, tolerated=re.compile("status of (400|403|404)|ERR_INTERNET_DISCONNECTED"))
        page = self._context(state, theme, width, origin).new_page()
        watch.follow(page)
        page.goto(f"{origin}/{state.address}")
        if state.user:
            page.wait_for_selector("main > *")
            page.wait_for_selector("#host b:not(:text('…'))")
        if state.act is not None:
            if state.address == "#live" and state.user:
                page.wait_for_selector(".row")
            state.act(page)
        if state.happens is not None:
            expect(page.locator("#pulse")).to_contain_text("Live")
            page.wait_for_selector(".row")
            state.happens(self._servers.following)
        page.wait_for_selector(state.shows)
        page.wait_for_selector(".chip.new, .row.done", state="detached")  # which are shown for three seconds
        return page, watch

    def _context(self, state: State, theme: str, width: int, origin: str) -> BrowserContext:
        key = (state.host, state.user, theme, width)
        if key not in self._contexts:
            context = self._contexts[key] = new_context(self._browser, width, theme)
            if state.user:
                page = context.new_page()
                sign_in(page, origin, state.user)
                page.close()
        return self._contexts[key]

    def close(self) -> None:
        """Close the profiles."""
        self._blank.close()
        for context in self._contexts.values():
            context.close()


def compare(page: Page, pictures: Pictures, name: str) -> dict[str, list[str]]:
    """Return where a state differs from the kept pictures, by theme."""
    differences = {}
    page.mouse.move(1, 1)
    # whether a host is a recording is known after its second look
    page.evaluate("() => document.querySelector('#pulse')?.style.setProperty('visibility', 'hidden')")
    for theme in THEMES:
        scheme: Any = theme
        page.emulate_media(color_scheme=scheme)
        page.evaluate(DRAWN)
        if found := pictures.differences(page, f"{name}-{theme}"):
            # what is read a moment later, such as ports and sockets, may not be there yet
            page.wait_for_timeout(1500)
            found = pictures.differences(page, f"{name}-{theme}")
        if found:
            differences[theme] = found
    return differences


@pytest.fixture(scope="module")
def stage(browser: Browser, servers: Servers) -> Iterator[Stage]:
    with closing(Stage(browser, servers)) as stage:
        yield stage


@pytest.mark.parametrize(("name", "theme", "width"), list(chosen()))
def test_a_state_is_shown(name: str, theme: str, width: int, stage: Stage, axe: str) -> None:
    page, watch = stage.open_state(STATES[name], theme, width)
    try:
        page.evaluate(axe)
        assert page.evaluate(AXE) == []
        assert page.evaluate(OVERFLOW) <= 0
        if SCREENSHOTS:
            page.mouse.move(1, 1)
            page.evaluate(DRAWN)
            page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}-{width}-{theme}.png"))
        if name not in VARYING:
            assert compare(page, stage.pictures, f"{name}-{width}") == {}
        assert watch.problems == []
    finally:
        page.context.set_offline(False)
        page.close()
