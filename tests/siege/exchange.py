"""Requests of WS-Management and JSON, and their answers, written by hand: no code of the server is used here."""

import base64
import contextlib
import json
import re
import socket
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape

from tests.siege.accounts import Account

PATIENCE = 90.0
"""Seconds that a client waits for an answer; more than the server's operation_timeout."""

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
ONE_ROW = "SELECT Handle FROM Win32_Process WHERE Handle = '1'"
NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
)


class Answer(NamedTuple):
    """What came back; status 0 and a reason in place of a body: nothing did."""

    status: int
    body: bytes
    seconds: float


def envelope(action: str, resource: str, body: str, selectors: str = "") -> bytes:
    """Return a SOAP envelope."""
    return (
        f"<s:Envelope {NAMESPACES}><s:Header><a:To>http://server/wsman</a:To>"
        f"<w:ResourceURI>{WMI}/{resource}</w:ResourceURI><a:Action>{action}</a:Action>"
        f"<a:MessageID>uuid:6B29FC40-CA47-1067-B31D-00DD010662DA</a:MessageID>{selectors}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def query(text: str, rows: int = 1000) -> bytes:
    """Return the envelope of a query in WQL."""
    filter_ = f'<w:Filter Dialect="{WQL}">{escape(text)}</w:Filter>'
    inner = f"<w:OptimizeEnumeration/><w:MaxElements>{rows}</w:MaxElements>{filter_}"
    return envelope(ENUMERATE, "*", f"<n:Enumerate>{inner}</n:Enumerate>")


def invoke(pid: int, method: str, parameters: str = "") -> bytes:
    """Return the envelope that runs a method of a process."""
    uri = f"{WMI}/Win32_Process"
    selectors = f'<w:SelectorSet><w:Selector Name="Handle">{pid}</w:Selector></w:SelectorSet>'
    body = f'<p:{method}_INPUT xmlns:p="{uri}">{parameters}</p:{method}_INPUT>'
    return envelope(f"{uri}/{method}", "Win32_Process", body, selectors)


def basic(account: Account, password: str | None = None) -> str:
    """Return the header of Basic authentication."""
    word = f"{account.name}:{account.password if password is None else password}"
    return f"Authorization: Basic {base64.b64encode(word.encode()).decode()}"


def http_request(content: bytes, *headers: str) -> bytes:
    """Return an HTTP request, after the answer to which the connection ends."""
    lines = ("POST /wsman HTTP/1.1", "Host: server", "Connection: close", *headers)
    typed = ("Content-Type: application/soap+xml;charset=UTF-8", f"Content-Length: {len(content)}", "", "")
    return "\r\n".join((*lines, *typed)).encode() + content


def json_request(operation: str, arguments: Mapping[str, object], *headers: str) -> bytes:
    """Return an HTTP request of the JSON API, after the answer to which the connection ends."""
    content = json.dumps(arguments).encode()
    lines = (f"POST /v1/{operation} HTTP/1.1", "Host: localhost", "Connection: close", *headers)
    typed = ("Content-Type: application/json", f"Content-Length: {len(content)}", "", "")
    return "\r\n".join((*lines, *typed)).encode() + content


def connect(server: str | tuple[str, int], here: str = "127.0.0.1") -> socket.socket:
    """Connect to a unix socket, or to a port from an address of this machine."""
    client = socket.socket(socket.AF_UNIX if isinstance(server, str) else socket.AF_INET)
    client.settimeout(PATIENCE)
    if not isinstance(server, str):
        client.bind((here, 0))
    client.connect(server)
    return client


def trusting_nobody() -> ssl.SSLContext:
    """Return a TLS context of a client that takes every certificate, as an attacker does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def encrypted(bare: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    """Return the connection over TLS; without a context, as it is."""
    return context.wrap_socket(bare, server_hostname="localhost") if context else bare


def ask(
    server: str | tuple[str, int], request: bytes, here: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Answer:
    """Send a request over a connection of its own, TLS where there is a context, and return the answer."""
    began = time.monotonic()
    try:
        with connect(server, here) as bare, encrypted(bare, context) as client:
            client.sendall(request)
            return received(client, began)
    except OSError as error:
        return Answer(0, str(error).encode(), time.monotonic() - began)


def received(client: socket.socket, began: float) -> Answer:
    """Read the answer of a connection that ends after it."""
    data = b""
    with contextlib.suppress(ssl.SSLEOFError):
        while part := client.recv(1 << 16):
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
    return Answer(int(status[1]) if status else 0, body, time.monotonic() - began)
