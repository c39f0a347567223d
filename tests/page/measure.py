"""``python -m tests.page.measure``: the page about 20,000 processes in 200 logins, of which 1,500 change in each look.

Prints a table of frames, of the heap and of the first paint, which docs/page.md shows; with the argument "events", the
same with a stream of 500 events a second; with "month", how long the timeline of 10,000 logins in 30 days takes to be
answered and drawn.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import quantiles
from typing import Any

from playwright.sync_api import Page, Request

from logonscope.machine.events import ProcessEnded, ProcessStarted
from logonscope.machine.snapshot import Snapshot
from tests.broker.memory import Memory
from tests.page.browser import chromium, new_context, sign_in
from tests.page.eventful import Eventful
from tests.page.hosts import FIRST_PID, Churning, busy, crowd
from tests.page.past import MINUTE_MS, PastStory, Visit, write_history
from tests.server.running import running

SECONDS = 10
CHANGES = 1500
EVENTS_A_SECOND, BATCH = 500, 26
FRAMES = """([seconds, step]) => new Promise((resolve) => {
  const tree = document.querySelector(".tree"), frames = [], long = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)));
  observer.observe({ type: "longtask" });
  let last = performance.now(), direction = 1;
  const end = last + seconds * 1000;
  const tick = (now) => {
    frames.push(now - last);
    last = now;
    if (step) {
      tree.scrollTop += direction * step;
      if (tree.scrollTop + tree.clientHeight >= tree.scrollHeight - 1) direction = -1;
      if (tree.scrollTop <= 0) direction = 1;
    }
    if (now < end) requestAnimationFrame(tick);
    else { observer.disconnect(); resolve({ frames: frames.slice(1), long }); }
  };
  requestAnimationFrame(tick);
})"""
"""Counts the milliseconds between frames, and the tasks of more than 50 ms, while the tree is scrolled or not."""

PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"

MONTH_MINUTES = 30 * 24 * 60
LOGINS = 10_000
DRAWN = """(pans) => new Promise((resolve) => {
  const lanes = document.querySelector(".lanes"), times = [];
  const observer = new PerformanceObserver((list) => times.push(...list.getEntriesByName("timeline").map((one) => one.duration)));
  observer.observe({ type: "measure" });
  const box = lanes.getBoundingClientRect();
  const tick = () => {
    lanes.dispatchEvent(new PointerEvent("pointermove", { clientX: box.x + 300 + pans, clientY: box.y + 200 }));
    lanes.dispatchEvent(new WheelEvent("wheel", { deltaY: pans % 2 ? 400 : -300 }));
    if (pans-- > 0) requestAnimationFrame(tick);
    else setTimeout(() => resolve(times), 200);
  };
  tick();
})"""  # noqa: E501 -- a program
"""Draws the timeline again and again, scrolled; returns the milliseconds of each time."""


class Storming(Eventful):
    """A host of which processes end and others start, as fast as its storm is."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        parents = {one.ppid for one in snapshot.processes}
        self._all_owners = self.owners()
        self._leaves = [one for one in snapshot.processes if one.pid not in parents and one.pid >= FIRST_PID]
        self._turn = 0

    @contextmanager
    def storm(self) -> Iterator[None]:
        """Publish events all the time."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._run, args=(is_over,))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _run(self, is_over: threading.Event) -> None:
        while not is_over.wait(BATCH / EVENTS_A_SECOND):
            for _ in range(BATCH // 2):
                self._replace_one()

    def _replace_one(self) -> None:
        """End a process, and start another one in its place."""
        place = self._turn % len(self._leaves)
        self._turn += 1
        ended = self._leaves[place]
        started = self._leaves[place] = ended._replace(start=(ended.start or 0) + 10_000_000)
        owner = self._all_owners[ended.pid]
        self.publish(
            lambda head: ProcessEnded(head, ended, owner, 0), lambda head: ProcessStarted(head, started, owner, None)
        )


def main() -> None:
    """Measure, and print the table."""
    if "month" in sys.argv:
        _measure_month()
        return
    host = Storming(crowd()) if "events" in sys.argv else Churning(crowd(), CHANGES)
    with chromium() as browser, running(host) as server:
        origin = f"https://127.0.0.1:{server.https}"
        for width, steps in ((1440, (0, 60, 400)), (390, (20,))):
            page = new_context(browser, width).new_page()
            page.set_default_timeout(120_000)
            sign_in(page, origin)
            page.wait_for_selector("text=60 people are logged in")
            page.wait_for_selector(".row")
            for step in steps:
                _print_row(f"{width} wide, {f'{step} px a frame' if step else 'still'}", _measure(page, host, step))
            print(f"first contentful paint {page.evaluate(PAINT):.0f} ms, heap {_heap(page):.0f} MB, "
                  f"{page.evaluate('document.querySelectorAll(`*`).length')} elements")  # fmt: skip
            page.context.close()


def _measure_month() -> None:
    story = PastStory()
    for number in range(LOGINS):
        start = number * (MONTH_MINUTES - 200) / LOGINS
        service = "cron" if number % 3 == 0 else "sshd"
        story.visit(Visit(
            1000 + number, 1000 + number % 4, start, start + 5 + number % 180, service, f"192.0.2.{number % 40}",
            commands=5,
        ))  # fmt: skip
    host = busy()
    assert host.machine.vitals
    host = host._replace(
        machine=host.machine._replace(
            vitals=host.machine.vitals._replace(
                time=host.machine.vitals.time + (MONTH_MINUTES - 700) * MINUTE_MS * 1000
            )
        )
    )
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        source = Memory(host)
        source.history = write_history(Path(folder) / "history", story, MONTH_MINUTES * MINUTE_MS)
        with running(source) as server:
            page = new_context(browser).new_page()
            page.set_default_timeout(120_000)
            answers: list[float] = []
            page.on(
                "requestfinished",
                lambda one: answers.append(one.timing["responseEnd"]) if "timeline" in one.url else None,
            )
            sign_in(page, f"https://127.0.0.1:{server.https}", address="#timeline")
            page.wait_for_selector("text=in 24 h")
            start = time.perf_counter()
            page.click("text=30 days")
            page.wait_for_selector("text=logons of 4 users in 30 days")
            print(f"{page.inner_text('.say')} {time.perf_counter() - start:.1f} s after the click")
            print(f"answers of the server: {', '.join(f'{one:.0f} ms' for one in answers if one)}")
            for span in ("30 days", "7 days", "24 h"):
                page.click(f"text={span}")
                page.wait_for_timeout(2000)
                times = sorted(page.evaluate(DRAWN, 100))
                print(
                    f"{span}: {len(times)} times drawn, median {times[len(times) // 2]:.1f} ms, longest {times[-1]:.1f}"
                )


def _milliseconds(request: Request) -> float:
    """Return how long the answer to a request took."""
    return float(request.timing["responseEnd"]) if request.url.endswith("/v1/timeline") else 0.0


def _measure(page: Page, host: Churning | Storming, step: int) -> dict[str, Sequence[float]]:
    if isinstance(host, Churning):
        host.turn()
    with host.storm() if isinstance(host, Storming) else nullcontext():
        result: dict[str, Sequence[float]] = page.evaluate(FRAMES, [SECONDS, step])
    return result


def _print_row(name: str, result: dict[str, Sequence[float]]) -> None:
    frames = result["frames"]
    percent = 100 * sum(frame <= 17.2 for frame in frames) / len(frames)
    cuts = quantiles(frames, n=100)
    print(
        f"{name}: {percent:.1f} % of {len(frames)} frames within 17.2 ms; 50/95/99 %: "
        f"{cuts[49]:.1f}/{cuts[94]:.1f}/{cuts[98]:.1f} ms; longest {max(frames):.0f} ms; "
        f"tasks over 50 ms: {len(result['long'])}, longest {max(result['long'], default=0):.0f} ms",
        flush=True,
    )


def _heap(page: Page) -> float:
    """Return the heap of the page after a collection, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    time.sleep(0.2)
    usage: dict[str, Any] = session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1e6


if __name__ == "__main__":
    main()
