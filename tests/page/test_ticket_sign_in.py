"""The form of a server that accepts Kerberos tickets, in a browser that sends none: its settings do not allow it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.broker.memory import Memory
from tests.lab.fixtures import realm
from tests.lab.realm import Realm
from tests.page import hosts
from tests.page.browser import Watch, new_context, sign_in
from tests.server.auth.keytabs import WITHOUT_KERBEROS
from tests.server.running import running

__all__ = ["realm"]

for _library in ("gssapi", "krb5"):
    pytest.importorskip(_library, reason=WITHOUT_KERBEROS, exc_type=ImportError)


def test_the_form_offers_tickets_and_says_why_there_is_none(browser: Browser, realm: Realm, tmp_path: Path) -> None:
    realm.add("HTTP/page.lab.test")
    keytab = realm.keytab(str(tmp_path / "keytab"), "HTTP/page.lab.test")
    with running(Memory(hosts.busy()), keytab=keytab) as server:
        context, origin = new_context(browser), f"https://127.0.0.1:{server.https}"
        page, watch = context.new_page(), Watch(origin, tolerated=re.compile("401"))
        watch.follow(page)
        page.goto(f"{origin}/#live")
        page.click("text=Log in by Kerberos")
        expect(page.locator(".err")).to_have_text("The browser sent no Kerberos ticket.")
        # the password is still accepted
        sign_in(page, origin)
        page.wait_for_selector(".row")
        context.close()
        assert watch.problems == []
