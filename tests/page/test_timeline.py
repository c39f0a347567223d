"""The page about the past: the timeline's drawing, its keys and pointers, and the slider of Live.

What is drawn is compared with the story that the host's history was made of.
"""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.example import BTIME
from tests.page.browser import LABELS, RULER
from tests.page.conftest import Servers
from tests.page.past import VISITS
from tests.page.test_behaviour import PATIENCE_MS, opened
from tests.page.test_states import AXE
from tests.server.running import BOB

COLUMN = """(x) => {
  const canvas = document.querySelector(".lanes canvas"), ratio = devicePixelRatio;
  const data = canvas.getContext("2d").getImageData(Math.round(x * ratio), 0, 1, canvas.height).data;
  return [...Array(canvas.height).keys()].map((y) => [...data.slice(4 * y, 4 * y + 3)].join());
}"""
"""The colours of a column of the canvas, from the top."""

COLOUR = """(name) => {
  const element = document.body.appendChild(document.createElement("i"));
  element.style.color = `var(${name})`;
  const found = getComputedStyle(element).color.match(/\\d+/g).slice(0, 3).join();
  element.remove();
  return found;
}"""
ALICE_HUE = "--u2"


@pytest.fixture
def page(browser: Browser, servers: Servers) -> Iterator[Page]:
    # the browser recommends another kind of canvas to pages that read theirs
    with opened(browser, servers.origin("past"), "#timeline", tolerated="getImageData") as page:
        expect(page.locator(".say")).to_contain_text("outlived")
        yield page


def minute(number: float) -> datetime:
    return datetime.fromtimestamp(BTIME, UTC) + timedelta(minutes=number)


def show(page: Page, first: float, last: float, words: str) -> None:
    """Show a span of minutes since the boot, and wait until the sentence says this of it."""
    address = "&".join(f"{name}={minute(one):%Y-%m-%dT%H:%M:%SZ}" for name, one in (("from", first), ("to", last)))
    page.evaluate(f"location.hash = '#timeline?{address}'")
    expect(page.locator(".say")).to_contain_text(words)


def span_of(page: Page) -> list[datetime]:
    # as the page itself has it: the driver learns of a changed address a moment later
    values = parse_qs(page.evaluate("location.href").partition("?")[2])
    return [datetime.fromisoformat(values[name][0]) for name in ("from", "to")]


def x_of(page: Page, number: float) -> float:
    """Return where the minute is in the span of the address."""
    first, last = span_of(page)
    box = page.locator(".lanes").bounding_box()
    assert box
    return LABELS + (minute(number) - first) / (last - first) * (box["width"] - LABELS)


def column(page: Page, number: float) -> list[str]:
    colours: list[str] = page.evaluate(COLUMN, x_of(page, number))
    return colours


def wait_for_names(page: Page) -> None:
    """Wait until the processes are drawn: amber, of a sudo, is among them."""
    wait_for_colour(page, 236, amber_of(page))


def wait_for_colour(page: Page, number: float, colour: str) -> None:
    """Wait until a colour is drawn at a minute."""
    page.wait_for_function(f"([x, colour]) => ({COLUMN})(x).includes(colour)", arg=[x_of(page, number), colour])


def amber_of(page: Page) -> str:
    return str(page.evaluate(COLOUR, "--root"))


def test_a_login_is_drawn_where_it_was(page: Page) -> None:
    show(page, 300, 480, "3 h")
    visit = next(visit for visit in VISITS if visit.id == 29)
    alice = page.evaluate(COLOUR, ALICE_HUE)
    # her other logins are not there at this time
    wait_for_colour(page, 375, alice)
    for number, is_there in (
        (visit.start - 3, False),
        (visit.start + 1, True),
        (visit.end - 50, True),
        (visit.end + 3, False),
    ):
        assert (alice in column(page, number)) is is_there, number


def test_what_was_before_the_history_is_shaded(page: Page) -> None:
    show(page, -120, 120, "4 h")
    ground = str(page.evaluate(COLOUR, "--bg"))
    wait_for_colour(page, -60, ground)
    assert ground not in column(page, 60)


def test_gained_root_is_amber(page: Page) -> None:
    show(page, 180, 300, "2 h")
    wait_for_names(page)
    visit = next(visit for visit in VISITS if visit.id == 21)
    assert amber_of(page) not in column(page, visit.start + 2)
    assert amber_of(page) not in column(page, visit.end - 2)


def test_spans_zoom_and_pan_by_buttons_and_keys(page: Page) -> None:
    page.click("text=6 h")
    expect(page.locator(".seg button", has_text="6 h")).to_have_attribute("aria-pressed", "true")
    first, last = span_of(page)
    assert last - first == timedelta(hours=6)
    page.locator(".lanes").press("+")
    nearer = span_of(page)
    assert abs((nearer[1] - nearer[0]) - timedelta(hours=4)) < timedelta(seconds=1)
    page.locator(".lanes").press("ArrowLeft")
    moved = span_of(page)
    assert abs(nearer[0] - moved[0] - timedelta(minutes=36)) < timedelta(seconds=1)
    page.click("text=30 days")
    expect(page.locator(".say")).to_contain_text("in 30 days")
    expect(page.locator(".range")).to_contain_text("2 Dec")
    page.click("[aria-label='Zoom in']")
    assert span_of(page)[1] - span_of(page)[0] < timedelta(days=20)


def test_dragging_pans_and_dragging_the_ruler_lists(page: Page, tmp_path: Path) -> None:
    show(page, 180, 300, "2 h")
    box: Any = page.locator(".lanes").bounding_box()
    page.mouse.move(box["x"] + 700, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 300, steps=3)
    page.mouse.up()
    moved = span_of(page)[0] - minute(180)
    assert moved > timedelta(minutes=5)
    show(page, 180, 300, "2 h")
    visit = next(visit for visit in VISITS if visit.id == 21)
    for number, act in ((visit.start - 1, page.mouse.down), (visit.end + 1, page.mouse.up)):
        page.mouse.move(box["x"] + x_of(page, number), box["y"] + 12, steps=3)
        act()
    expect(page.locator(".span h2")).to_have_text(re.compile("processes started"))
    with page.expect_download() as download:
        page.click("text=CSV")
    path = tmp_path / "processes.csv"
    download.value.save_as(path)
    rows = [row for row in csv.DictReader(path.read_text().splitlines()) if row["logon_id"] == "21"]
    # its service's process, its shell, its commands, sudo and what that ran
    assert len(rows) == 2 + visit.commands + 2
    assert {row["login_user"] for row in rows} == {"carol"}
    page.locator(".lanes").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".span")).to_be_hidden()


def test_a_moment_leads_to_the_tree_as_it_was(page: Page) -> None:
    show(page, 520, 560, "40 min")
    box: Any = page.locator(".lanes").bounding_box()
    page.mouse.click(box["x"] + x_of(page, 530), box["y"] + box["height"] - 20)
    page.click("text=Tree as of 08:50:0")
    expect(page.locator(".say")).to_contain_text("were logged in")
    expect(page.locator(".asof")).to_contain_text("As of 08:50:0")
    expect(page.locator(".row.sh:visible", has_text="bob")).not_to_contain_text("logged out")
    assert page.locator(".row.sh:visible", has_text="alice").count() == 0
    # bob's logout at 08:58 is the next event of a login
    page.click("text=Forward")
    expect(page.locator(".asof")).to_have_text("As of 08:58:00 today")
    expect(page.locator(".row.sh:visible", has_text="bob")).to_contain_text("logged out")
    assert "at=2026-01-01T08%3A58%3A00.000Z" in page.url
    page.reload()
    expect(page.locator(".asof")).to_have_text("As of 08:58:00 today", timeout=PATIENCE_MS)
    page.locator("main").focus()
    page.keyboard.press("n")
    expect(page.locator(".asof")).to_have_count(0)
    expect(page.locator(".row.sh:visible", has_text="alice").first).to_be_visible()
    expect(page.locator(".say")).to_contain_text("are logged in")


def test_a_login_lists_what_it_ran_in_three_clicks(page: Page) -> None:
    show(page, 0, 300, "5 h")
    alice, visit = page.evaluate(COLOUR, ALICE_HUE), VISITS[0]
    wait_for_colour(page, visit.start + 20, alice)
    # her other logins are later than this
    page.locator(".lanes").click(
        position={"x": x_of(page, visit.start + 20), "y": column(page, visit.start + 20).index(alice) + 1}
    )
    page.click("text=/What .* ran/")
    expect(page.locator(".span h2")).to_have_text(
        f"{visit.commands + 4} processes started in alice\u2019s logon {visit.id}"
    )
    expect(page.locator(".span tbody tr")).to_have_count(visit.commands + 4)


def test_a_name_and_an_amber_bar_lead_to_what_the_login_ran(page: Page) -> None:
    show(page, 0, 300, "5 h")
    visit = next(visit for visit in VISITS if visit.id == 21)
    x, amber = x_of(page, (visit.start + visit.end) / 2 + 4), amber_of(page)
    wait_for_colour(page, (visit.start + visit.end) / 2 + 4, amber)
    y = page.evaluate(COLUMN, x).index(amber) + 2
    page.locator(".lanes").click(position={"x": x, "y": y})
    page.click(".pop button:has-text('As root')")
    expect(page.locator(".span h2")).to_have_text("2 processes started as root in carol\u2019s logon 21")
    assert page.locator(".span tbody td:nth-child(4)").all_inner_texts() == ["sudo -i", "apt-get upgrade"]
    page.locator(".lanes").focus()
    page.keyboard.press("Escape")
    # the name at the left of the same lane
    page.locator(".lanes").click(position={"x": 60, "y": y - 16})
    expect(page.locator(".pop h2")).to_have_text("carol, ssh password")
    page.keyboard.press("Escape")


def test_the_slider(page: Page) -> None:
    page.evaluate("location.hash = '#live'")
    page.click("#pulse button")
    expect(page.locator(".asof")).to_contain_text("As of 10:4")
    page.locator(".moment input").fill(str(int(minute(330.5).timestamp() * 1000)))
    expect(page.locator(".asof")).to_have_text("As of 05:30:30 today")
    expect(page.locator(".say")).to_contain_text("1 person was logged in")
    expect(page.locator(".row.sh:visible", has_text="alice")).to_have_count(1)  # the rows of 10:4x have gone
    expect(page.locator(".row.sh:visible", has_text="alice")).to_contain_text("since 05:30")
    page.click(".tabs [data-view=whose]")
    expect(page.locator(".asof")).to_have_count(0)


def test_a_user_sees_its_own_logins_alone(browser: Browser, servers: Servers) -> None:
    with opened(browser, servers.origin("past"), "#timeline", user=BOB) as page:
        expect(page.locator(".say")).to_contain_text("2 logons of yours")
        page.locator(".lanes").press("Enter")
        expect(page.locator(".span tbody tr").first).to_be_visible()
        assert {"bob"} == {*page.locator(".span tbody td:nth-child(2)").all_inner_texts()}
        page.evaluate("location.hash = '#live?at=2026-01-01T06:00:00Z'")
        expect(page.locator(".say")).to_contain_text("You had 0 logon sessions")


def test_failed_logins_are_marks_that_say_who_was_tried_from_where(
    browser: Browser, servers: Servers, axe: str
) -> None:
    with opened(browser, servers.origin("refused"), "#timeline", tolerated="getImageData") as page:
        expect(page.locator(".say")).to_contain_text("40 logins failed. 3 attempts at sudo failed.")
        show(page, 190, 210, "40 logins failed.")
        fail = page.evaluate(COLOUR, "--fail")
        box = page.locator(".lanes").bounding_box()
        assert box
        x = LABELS + (box["width"] - LABELS) * 10 / 20
        assert fail in page.evaluate(COLUMN, x)
        page.locator(".lanes").click(position={"x": x, "y": RULER + 16})
        card = page.locator(".pop")
        expect(card.locator("h2")).to_have_text("40 logins failed")
        tried = "root, password rejected (20); oracle, no such user (10); <i>x</i>, no such user (10)"
        expect(card).to_contain_text(tried)
        expect(card).to_contain_text("192.0.2.66")
        # the tree of when it happened, not of where the pointer was
        expect(card.locator("a")).to_have_attribute("href", "#live?at=2026-01-01T03:20:00.000Z")
        page.evaluate(axe)
        assert page.evaluate(AXE) == []
        page.keyboard.press("Escape")
        page.locator(".lanes").click(position={"x": x + 200, "y": box["height"] - 20})
        expect(card).to_contain_text("carol")
        expect(card).to_contain_text("ssh password from 192.0.2.80")
        page.keyboard.press("Escape")
        show(page, 90, 110, "3 attempts at sudo failed.")
        page.locator(".lanes").click(position={"x": x, "y": RULER + 16})
        expect(card.locator("h2")).to_have_text("3 attempts at sudo failed")
        expect(card).to_contain_text("logon 15 from 198.51.100.9")


def test_a_time_is_typed_and_a_number_of_the_sentence_is_clicked(browser: Browser, servers: Servers) -> None:
    with opened(browser, servers.origin("refused"), "#timeline", tolerated="getImageData") as page:
        field, card = page.locator(".goto"), page.locator(".pop")
        page.click(".say button:has-text('3 attempts at sudo')")
        expect(card.locator("dd")).to_have_text(
            ["bob", "logon 15 from 198.51.100.9", "root, 3 incorrect password attempts", "sudo"]
        )
        field.fill("25:00")
        field.press("Enter")
        expect(field).to_have_attribute("aria-invalid", "true")
        field.fill("3:12")
        field.press("Enter")
        expect(card.locator("h2")).to_have_text("03:12:00 today")
        expect(card).to_contain_text("ssh password from 192.0.2.80")
        # no time of today has it yet: the one of yesterday, before the history
        field.fill("23:30")
        field.press("Enter")
        expect(card.locator("h2")).to_have_text("23:30:00 yesterday")
        expect(card).to_contain_text("Not known: the history begins later.")


def test_failed_logins_are_for_administrators(browser: Browser, servers: Servers) -> None:
    with opened(browser, servers.origin("refused"), "#timeline", user=BOB) as page:
        expect(page.locator(".say")).to_contain_text("outlived")
        page.wait_for_load_state("networkidle")
        assert "logins failed" not in page.locator(".say").inner_text()
