"""Ten questions that administrators have about a host: each is answered by at most three clicks, in visible words.

A click counts, and so does what is typed with its Enter. ``-s`` prints them as a table.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.page.browser import LABELS, RULER
from tests.page.conftest import Servers
from tests.page.test_behaviour import opened
from tests.page.test_states import DRAWN
from tests.page.test_timeline import ALICE_HUE, COLOUR, column, wait_for_colour, x_of

MOST_CLICKS = 3
ROOT_MINUTE = 236
"""Within the minutes in which carol ran a program as root."""


class Reader:
    """Somebody who looks at the page, clicks and types."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, selector: str) -> None:
        """Click on an element."""
        self.clicks += 1
        self.page.locator(selector).first.click()

    def type(self, selector: str, text: str) -> None:
        """Type a text into a field, which has the focus or gets it by a key, and press Enter."""
        self.clicks += 1
        self.page.fill(selector, text)
        self.page.locator(selector).press("Enter")

    def click_lane(self, minute: float, colour: str) -> None:
        """Click in the timeline where a minute has a colour for the first time, seen from the top."""
        colour = str(self.page.evaluate(COLOUR, colour))
        wait_for_colour(self.page, minute, colour)
        self._click_at(x_of(self.page, minute), column(self.page, minute).index(colour) + 2)

    def click_moment(self, minute: float) -> None:
        """Click in the timeline below all lanes."""
        box = self.page.locator(".lanes").bounding_box()
        assert box
        self._click_at(x_of(self.page, minute), box["height"] - 20)

    def click_failed_logins(self, minute: float) -> None:
        """Click on the mark of the failed logins of a minute."""
        expect(self.page.locator(".say")).to_contain_text("logins failed")
        self.page.evaluate(DRAWN)
        self._click_at(x_of(self.page, minute), RULER + 16)

    def _click_at(self, x: float, y: float) -> None:
        self.clicks += 1
        assert x > LABELS
        self.page.locator(".lanes").click(position={"x": x, "y": y})

    def timeline(self) -> None:
        """Open the timeline."""
        self.click(".tabs a[data-view=timeline]")
        expect(self.page.locator(".say")).to_contain_text("outlived")
        # the address has the span that is shown, which the tests of the timeline read
        self.page.evaluate("location.hash = '#timeline?from=2025-12-31T12:00:00Z&to=2026-01-01T11:45:00Z'")


def which_root(reader: Reader) -> Locator:
    reader.click(".row:has-text('4312')")
    return reader.page.locator(".why", has_text="alice logged in from 203.0.113.7")


def who_is_here(reader: Reader) -> Locator:
    return reader.page.locator(".out h2:has-text('Logged in') + button", has_text="alice")


def what_is_left_over(reader: Reader) -> Locator:
    reader.click(".say button:has-text('2 processes')")
    return reader.page.locator(".row:visible", has_text="python3 train.py")


def which_key(reader: Reader) -> Locator:
    reader.click(".out button:has-text('alice')")
    return reader.page.locator(".side .kv", has_text="SHA256:q1WbX7c0VnYtK3m9dRk2aGfLQz8sHe4uPj6wTiBo5xE")


def whose_port(reader: Reader) -> Locator:
    reader.click(".tabs a[data-view=whose]")
    reader.type("#whose", ":8080")
    return reader.page.locator(".answer", has_text="belongs to alice, who logged in from 203.0.113.7")


def who_was_here(reader: Reader) -> Locator:
    reader.timeline()
    reader.click_moment(192)
    return reader.page.locator(".pop .kv", has_text="carolssh password from 192.0.2.80")


def what_ran_last_night(reader: Reader) -> Locator:
    reader.timeline()
    reader.click_lane(40, ALICE_HUE)
    reader.click("text=What alice ran")
    return reader.page.locator(".span h2", has_text="64 processes started in alice\u2019s logon 12")


def what_ran_as_root(reader: Reader) -> Locator:
    reader.timeline()
    reader.click_lane(ROOT_MINUTE, "--root")
    expect(reader.page.locator(".pop")).to_contain_text("As root between 03:5")
    reader.click(".pop button:has-text('As root')")
    return reader.page.locator(".span tbody tr", has_text="apt-get upgrade")


def who_guessed_passwords(reader: Reader) -> Locator:
    reader.timeline()
    reader.click_failed_logins(200.4)
    card = reader.page.locator(".pop", has_text="root, password rejected (20); oracle, no such user (10)")
    return card.locator("dd", has_text="192.0.2.66")


def is_anything_missing(reader: Reader) -> Locator:
    reader.click(".tabs a[data-view=health]")
    return reader.page.locator(".say", has_text="Nothing needs mending.")


QUESTIONS: dict[str, Callable[[Reader], Locator]] = {
    "Who is logged in, from where?": who_is_here,
    "Who started this root process (4312)?": which_root,
    "What is left over, and whose is it?": what_is_left_over,
    "By which key did alice log in?": which_key,
    "Whose is port 8080?": whose_port,
    "Who was here at 03:12?": who_was_here,
    "What did alice run last night?": what_ran_last_night,
    "What did carol run as root last night?": what_ran_as_root,
    "Who guessed passwords, of whom, and from where?": who_guessed_passwords,
    "Is anything missing, or to be mended?": is_anything_missing,
}


@pytest.fixture(scope="module")
def page(browser: Browser, servers: Servers) -> Iterator[Page]:
    # the browser recommends another kind of canvas to pages that read theirs
    with opened(browser, servers.origin("refused"), tolerated="getImageData") as page:
        yield page


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_in_few_clicks(page: Page, servers: Servers, question: str) -> None:
    page.goto("about:blank")
    page.goto(f"{servers.origin('refused')}/#live")
    page.wait_for_selector(".row")
    reader, start = Reader(page), time.perf_counter()
    expect(QUESTIONS[question](reader).first).to_be_visible()
    print(f"| {question} | {reader.clicks} | {time.perf_counter() - start:.1f} s |")
    assert reader.clicks <= MOST_CLICKS
