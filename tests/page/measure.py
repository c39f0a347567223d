"""``python -m tests.page.measure``: the page about 20,000 processes in 200 logins, of which 1,500 change in each look.

Prints a table of frames, of the heap and of the first paint, which docs/page.md shows.
"""

import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Any

from playwright.sync_api import Page

from tests.page.browser import chromium, new_context, sign_in
from tests.page.hosts import Churning, crowd
from tests.server.running import running

SECONDS = 10
CHANGES = 1500
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


def main() -> None:
    """Measure, and print the table."""
    host = Churning(crowd(), CHANGES)
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


def _measure(page: Page, host: Churning, step: int) -> dict[str, Sequence[float]]:
    host.turn()
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
