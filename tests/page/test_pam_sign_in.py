"""The form with accounts of a real machine: PAM checks the passwords, and opens no session."""

import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.lab.fixtures import lab, machine, people
from tests.lab.lab import Lab
from tests.lab.systemd import Machine, free_port
from tests.lab.systems import SYSTEMS
from tests.page.browser import Watch, new_context, sign_in

__all__ = ["lab", "machine", "people"]

pytestmark = pytest.mark.parametrize("machine", SYSTEMS[:1], indirect=True, ids=[SYSTEMS[0].name])

PASSWORD = "correct battery"  # noqa: S105 -- of accounts of the test's machine
LINES = "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n"
SETTINGS = """
listen = ["https://127.0.0.1:{port}"]
state = "/run/page-test"
users = "/run/page-test/users"
pam = "logonscope-page"
live = "false"
"""


@pytest.fixture
def origin(lab: Lab) -> Iterator[str]:
    """Run the server on the machine, with two accounts that have passwords; one is in the group sudo."""
    inside, port = lab.machine, free_port()
    for name in ("quinn", "robin"):
        if inside.run(["id", name], check=False).returncode:
            inside.useradd(name)
    inside.run(["usermod", "-aG", "sudo", "quinn"])
    inside.run(["chpasswd"], input=f"quinn:{PASSWORD}\nrobin:{PASSWORD}\n")
    inside.run(["tee", "/etc/pam.d/logonscope-page"], input=LINES)
    inside.run(["mkdir", "-p", "/run/page-test"])
    inside.run(["tee", "/run/page-test/settings.toml"], input=SETTINGS.format(port=port))
    server = inside.spawn(lab.command("serve", "--config", "/run/page-test/settings.toml"))
    try:
        wait_for_port(port)
        yield f"https://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=20)


def wait_for_port(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not listen")


def sessions_of_pam(inside: Machine) -> list[str]:
    return re.findall(r"session opened for user \w+", inside.run(["journalctl", "--no-pager", "--output=cat"]).stdout)


def test_accounts_log_in_with_their_passwords(browser: Browser, lab: Lab, origin: str) -> None:
    before = sessions_of_pam(lab.machine)
    for name, words in (("quinn", "sees every logon session"), ("robin", "sees their own logon sessions")):
        context = new_context(browser)
        page = context.new_page()
        watch = Watch(origin, tolerated=re.compile("status of 40[13]"))
        watch.follow(page)
        page.goto(f"{origin}/")
        page.fill("#user", name)
        page.fill("#password", f"{PASSWORD}.")
        page.click("button[type=submit]")
        expect(page.locator(".err")).to_have_text("Unknown user or wrong password.", timeout=20_000)
        sign_in(page, origin, (name, PASSWORD))
        page.click("#account")
        expect(page.locator(".menu p")).to_have_text(f"{name} {words}.", timeout=20_000)
        assert watch.problems == []
        context.close()
    assert sessions_of_pam(lab.machine) == before


def test_a_line_of_the_user_file_locks_an_account(lab: Lab, origin: str) -> None:
    def status(name: str) -> int:
        answer = httpx.post(f"{origin}/v1/sessions", json={}, auth=(name, PASSWORD), verify=False)  # noqa: S501
        return answer.status_code

    assert (status("quinn"), status("robin")) == (200, 200)
    lab.machine.run(["install", "-m", "600", "/dev/stdin", "/run/page-test/users"], input="Robin:1:user:!:\n")
    assert (status("quinn"), status("robin")) == (200, 401)
