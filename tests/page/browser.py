"""Chromium for the tests of the page: a session over TLS, and a record of all that a page must not do."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.lab.fixtures import skip_or_fail
from tests.server.running import ADMIN

CHROMIUM = "/usr/bin/chromium"
FOLDER = Path(__file__).parents[2] / "page"
WIDTHS, THEMES = (390, 1024, 1440), ("light", "dark")
HEIGHT = 900
PATIENCE_MS = 20_000
LABELS, RULER = 206, 28
"""Pixels of the timeline: of the names at the left, and of the ruler above the lanes."""

_VIOLATIONS = "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.sample))"


@dataclass
class Watch:
    """What a page did that it must not do: messages of the console, exceptions, violations, requests elsewhere."""

    origin: str
    problems: list[str] = field(default_factory=list)
    tolerated: re.Pattern[str] | None = None
    """Messages that a test expects: the browser reports each response with an error status."""

    def follow(self, page: Page) -> None:
        """Record what a page does from now on."""
        page.add_init_script(_VIOLATIONS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not (self.tolerated and self.tolerated.search(message.text)):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:", "file:")):
            self.problems.append(f"foreign request: {request.url}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's chromium."""
    if not os.path.exists(CHROMIUM):
        skip_or_fail("chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # root has no sandbox
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, width: int = 1440, theme: str = "light", **options: Any) -> BrowserContext:
    """Return a profile of its own; the certificate of the tests is self-signed."""
    scheme: Any = theme
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
        ignore_https_errors=True,
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def sign_in(page: Page, origin: str, user: tuple[str, str] = ADMIN, address: str = "#live") -> None:
    """Log in by the form, and wait until the tree is there."""
    page.goto(f"{origin}/{address}")
    page.fill("#user", user[0])
    page.fill("#password", user[1])
    page.click("button[type=submit]")
    page.wait_for_selector("#login", state="detached")
    page.wait_for_selector("main > *")


def axe_program(folder: Path) -> str:
    """Return axe-core: that of the page's packages, else npm's, of the same version."""
    installed = FOLDER / "node_modules/axe-core/axe.min.js"
    if not installed.exists():
        match = re.search(r'"axe-core": "([\d.]+)"', (FOLDER / "package.json").read_text())
        assert match
        package = f"axe-core@{match[1]}"
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", package]
        try:
            is_fetched = not subprocess.run(command, cwd=folder, check=False, timeout=300).returncode
        except FileNotFoundError:
            is_fetched = False
        if not is_fetched:
            skip_or_fail(f"{package} cannot be fetched by npm")
        installed = folder / "node_modules/axe-core/axe.min.js"
    return installed.read_text()
