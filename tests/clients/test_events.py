"""Clients that others wrote subscribe to events over WS-Management, unmodified, and pull them: WS-Eventing."""

import os
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import xmltodict
from pypsrp.exceptions import WSManFaultError
from winrm.exceptions import WinRMOperationTimeoutError
from winrm.protocol import Protocol
from wsmanclient import Client

from logonscope import connect
from logonscope.dispatch.subscriptions import OpenSubscription
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import parse_duration
from tests.broker.ringed import Ringed
from tests.clients.test_pypsrp import client as psrp_client
from tests.clients.test_pywinrm import protocol
from tests.providers.asked import SNAPSHOT
from tests.server.eventing import LOGONS, LOGONSCOPE, pull_request, subscription
from tests.server.running import ADMIN, ALICE, RunningServer, running
from tests.server.serving import wait_until

CONTEXT = f".//{{{names.ENUMERATION}}}EnumerationContext"
LOGON_ID = ".//LogonId"
CURL = shutil.which("curl")


@pytest.fixture
def host() -> Ringed:
    return Ringed(SNAPSHOT)


@pytest.fixture
def server(host: Ringed) -> Iterator[RunningServer]:
    with running(host) as found:
        yield found


def waiting_pulls(server: RunningServer) -> int:
    """Return how many pulls wait for events."""
    contexts = server.services.dispatcher.enumerations._open.values()  # noqa: SLF001 -- there is no other way
    return sum(isinstance(context, OpenSubscription) and context.waiting_pull is not None for context in contexts)


def subscribe_element(query: str = LOGONS) -> ET.Element:
    body = ET.Element(f"{{{names.EVENTING}}}Subscribe")
    ET.SubElement(body, f"{{{names.EVENTING}}}Delivery", Mode=names.PULL_MODE)
    ET.SubElement(body, f"{{{names.WSMAN}}}Filter", Dialect=names.WQL).text = query
    return body


def pull_element(context: str, most: int = 100) -> ET.Element:
    body = ET.Element(f"{{{names.ENUMERATION}}}Pull")
    ET.SubElement(body, f"{{{names.ENUMERATION}}}EnumerationContext").text = context
    ET.SubElement(body, f"{{{names.ENUMERATION}}}MaxElements").text = str(most)
    return body


@pytest.mark.parametrize("way", ["ntlm, sealed", "negotiate over TLS", "basic"])
def test_pypsrp_waits_for_events_and_is_told_when_its_time_is_over(
    host: Ringed, server: RunningServer, way: str
) -> None:
    with psrp_client(server, way=way) as wsman, ThreadPoolExecutor(1) as threads:
        answer = wsman.invoke(names.SUBSCRIBE, LOGONSCOPE, subscribe_element())
        context = answer.findtext(CONTEXT) or ""
        pull = threads.submit(wsman.invoke, names.PULL, LOGONSCOPE, pull_element(context))
        wait_until(lambda: waiting_pulls(server) == 1)
        host.publish(2)
        pulled = pull.result(30)
        assert [item.text for item in pulled.iterfind(LOGON_ID)] == ["1", "2"]
        with pytest.raises(WSManFaultError) as over:
            wsman.invoke(names.PULL, LOGONSCOPE, pull_element(context), timeout=1)
        # the number for which pypsrp's own shells ask again
        assert over.value.code == 2150858793
        release = ET.Element(f"{{{names.ENUMERATION}}}Release")
        ET.SubElement(release, f"{{{names.ENUMERATION}}}EnumerationContext").text = context
        wsman.invoke(names.RELEASE, LOGONSCOPE, release)
    assert host.ring.reader_count == 0


def said(client: Protocol, action: str, body: dict[str, Any], headers: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say something with pywinrm, as people do who need more than its shells."""
    envelope = client.build_wsman_header(action, LOGONSCOPE)
    envelope["env:Header"] |= {"w:OperationTimeout": "PT1S", **(headers or {})}
    envelope["@xmlns:e"] = names.EVENTING
    envelope["env:Body"] = body
    answer: dict[str, Any] = xmltodict.parse(client.send_message(xmltodict.unparse({"env:Envelope": envelope})))
    content: dict[str, Any] = answer["s:Envelope"]["s:Body"]
    return content


@pytest.mark.parametrize("transport", ["ntlm", "ssl"])
def test_pywinrm_subscribes_pulls_renews_and_unsubscribes(host: Ringed, server: RunningServer, transport: str) -> None:
    client = protocol(server, transport)
    filter_ = {"@Dialect": names.WQL, "#text": LOGONS}
    body = {"e:Subscribe": {"e:Delivery": {"@Mode": names.PULL_MODE}, "e:Expires": "PT600S", "w:Filter": filter_}}
    answer = said(client, names.SUBSCRIBE, body)["e:SubscribeResponse"]
    manager = answer["e:SubscriptionManager"]["a:ReferenceParameters"]
    pull = {"n:Pull": {"n:EnumerationContext": answer["n:EnumerationContext"], "n:MaxElements": "10"}}
    with pytest.raises(WinRMOperationTimeoutError):
        said(client, names.PULL, pull)
    host.publish(1)
    items = said(client, names.PULL, pull)["n:PullResponse"]["n:Items"]
    assert items["w:XmlFragment"]["LogonId"] == "1"
    header = {"e:Identifier": manager["e:Identifier"]}
    renewed = said(client, names.RENEW_SUBSCRIPTION, {"e:Renew": {"e:Expires": "PT1200S"}}, header)
    assert 1100 < parse_duration(renewed["e:RenewResponse"]["e:Expires"], "Expires") <= 1200
    assert said(client, names.UNSUBSCRIBE, {"e:Unsubscribe": None}, header) is None
    assert host.ring.reader_count == 0


def curl(server: RunningServer, data: bytes, user: tuple[str, str] = ADMIN) -> ET.Element:
    """Send a message with curl, and return the answer."""
    if CURL is None:
        pytest.skip("there is no curl")
    command = [
        CURL, "-sS", "--max-time", "60", "-u", ":".join(user), "-H", "Content-Type: application/soap+xml;charset=UTF-8",
        "--data-binary", "@-", server.wsman,
    ]  # fmt: skip
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    return ET.fromstring(done.stdout)


def test_curl_gets_the_events_of_its_user(host: Ringed, server: RunningServer) -> None:
    context = curl(server, subscription(LOGONS), ALICE).findtext(CONTEXT) or ""
    host.publish(1, uid=1001)
    host.publish(1, uid=1000)
    assert [item.text for item in curl(server, pull_request(context, 9, 20), ALICE).iterfind(LOGON_ID)] == ["2"]


def test_python_wsmanclient_pulls_a_subscription(host: Ringed, server: RunningServer) -> None:
    context = curl(server, subscription(LOGONS)).findtext(CONTEXT)
    host.publish(3)
    answer = Client("127.0.0.1", *ADMIN, port=server.http, protocol="http").pull(LOGONSCOPE, context)
    # it sends MaxElements in another namespace, which is read, too
    assert [item.text for item in answer.iterfind(LOGON_ID)] == ["1", "2", "3"]


def test_pulls_that_wait_hold_no_thread_and_a_client_that_leaves_frees_its_own(host: Ringed) -> None:
    with running(host, workers="1", max_connections_per_address="100") as server:
        contexts = [curl(server, subscription(LOGONS)).findtext(CONTEXT) or "" for _ in range(20)]
        with ThreadPoolExecutor(20) as threads:
            pulls = [threads.submit(curl, server, pull_request(context, 9, 50)) for context in contexts]
            wait_until(lambda: waiting_pulls(server) == 20)
            # the one thread of the server is free for other requests
            with connect(f"unix:{server.unix}") as root:
                assert root.doctor()
            host.publish(1, uid=os.geteuid())
            assert [pull.result(30).findtext(LOGON_ID) for pull in pulls] == ["1"] * 20
        assert CURL is not None
        command = [CURL, "-sS", "-u", ":".join(ADMIN), "--data-binary", "@-", server.wsman]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as waiting:
            assert waiting.stdin is not None
            waiting.stdin.write(pull_request(contexts[0], 9, 50))
            waiting.stdin.close()
            wait_until(lambda: waiting_pulls(server) == 1)
            waiting.kill()
        host.publish(1)
        assert curl(server, pull_request(contexts[0], 9, 20)).findtext(LOGON_ID) == "2"


class EnoughError(Exception):
    """The program has printed what it should."""


def test_the_program_of_the_page_prints_logins(host: Ringed, server: RunningServer) -> None:
    page = (Path(__file__).parents[2] / "docs/events.md").read_text(encoding="utf-8")
    (program,) = (
        block for block in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "pypsrp" in block
    )
    printed = list[tuple[Any, ...]]()

    def show(*values: Any) -> None:
        printed.append(values)
        raise EnoughError

    with ThreadPoolExecutor(1) as threads:
        program = program.replace('"web1"', f'"127.0.0.1", port={server.http}')
        running_program = threads.submit(exec, program, {"password": ADMIN[1], "print": show})
        wait_until(lambda: waiting_pulls(server) == 1)
        host.publish(1, remote_host="203.0.113.7")
        with pytest.raises(EnoughError):
            running_program.result(30)
    assert printed == [("u1000", "203.0.113.7")]


def test_a_pull_that_waits_ends_when_the_server_stops(host: Ringed) -> None:
    answers = list[ET.Element]()
    with running(host) as server:
        context = curl(server, subscription(LOGONS)).findtext(CONTEXT) or ""
        thread = threading.Thread(target=lambda: answers.append(curl(server, pull_request(context, 9, 50))))
        thread.start()
        wait_until(lambda: waiting_pulls(server) == 1)
        before = time.monotonic()
    thread.join(30)
    assert time.monotonic() - before < 30
    (answer,) = answers
    assert answer.find(f".//{{{names.SOAP}}}Fault") is not None
