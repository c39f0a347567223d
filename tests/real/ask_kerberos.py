"""Asks a server by tickets, as clients would, unmodified: run inside the machine; questions come and go as JSON.

A question is a client, a cache of tickets, how the client is told to ask, and a query; the answer is one column of it,
or why there is none.
"""

import base64
import http.client
import json
import os
import ssl
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import spnego
import xmltodict
from pypsrp.wsman import WSMan
from spnego.channel_bindings import GssChannelBindings
from winrm.protocol import Protocol

from logonscope.wire.wsman import message_encryption

HOST, HTTP, HTTPS = "web1.lab.test", 5985, 5986
CERTIFICATE: Any = "/var/lib/logonscope/self-signed.crt"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
N, W = "http://schemas.xmlsoap.org/ws/2004/09/enumeration", "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
ENUMERATE = f"{N}/Enumerate"


def pypsrp(query: str, tls: bool, **told: Any) -> list[str]:
    """Ask by pypsrp."""
    body = ET.Element(f"{{{N}}}Enumerate")
    ET.SubElement(body, f"{{{W}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{W}}}MaxElements").text = "100"
    ET.SubElement(body, f"{{{W}}}Filter", Dialect=WQL).text = query
    with WSMan(HOST, port=HTTPS if tls else HTTP, ssl=tls, cert_validation=CERTIFICATE, **told) as wsman:
        return items(wsman.enumerate(f"{WMI}/*", body))


def pywinrm(query: str, tls: bool, **told: Any) -> list[str]:
    """Ask by pywinrm."""
    client = Protocol(url(tls), ca_trust_path=CERTIFICATE, **told)
    return column(client.send_message(written(client, query)))


def bare(query: str, tls: bool, *, scheme: str, protocol: str, bindings: str = "", token: str = "") -> Any:
    """Ask by hand, to show what the clients do not: a scheme, a token of before; return also the way of the answer."""
    port: http.client.HTTPConnection = http.client.HTTPConnection(HOST, HTTP)
    if tls:
        port = http.client.HTTPSConnection(HOST, HTTPS, context=ssl.create_default_context(cafile=CERTIFICATE))
    bound = GssChannelBindings(application_data=bindings.encode()) if bindings else None
    context = spnego.client(hostname=HOST, service="HTTP", protocol=protocol, channel_bindings=bound)
    shown = token or base64.b64encode(context.step() or b"").decode()
    port.request("POST", "/wsman", headers={"Authorization": f"{scheme} {shown}"})
    entered = port.getresponse()
    entered.read()
    said = entered.headers.get_all("WWW-Authenticate") or []
    if entered.status != 200 or token:
        return [entered.status, said]
    context.step(base64.b64decode(said[0].partition(" ")[2]))
    made = context.wrap_winrm(soap(query))
    kind, data = message_encryption.write_message(
        message_encryption.EncryptedMessage(made.header, made.data, len(soap(query)), message_encryption.KERBEROS)
    )
    port.request("POST", "/wsman", data, {"Content-Type": kind})
    answer = port.getresponse()
    message = message_encryption.parse_message(answer.headers["Content-Type"], answer.read())
    opened = context.unwrap_winrm(message.signature, message.data)
    return [said[0].partition(" ")[0], message.protocol, column(opened), shown]


def soap(query: str) -> bytes:
    """Return a question without its way: what is done by hand, and by curl."""
    return written(Protocol(url(tls=False), transport="kerberos"), query).encode()


def written(client: Protocol, query: str) -> str:
    """Write a question by pywinrm's header and our own body, as people do with this library."""
    envelope = client.build_wsman_header(ENUMERATE, f"{WMI}/*")
    asked = {"w:OptimizeEnumeration": None, "w:MaxElements": "100", "w:Filter": {"@Dialect": WQL, "#text": query}}
    envelope["env:Body"] = {"n:Enumerate": asked}
    return str(xmltodict.unparse({"env:Envelope": envelope}))


def url(tls: bool) -> str:
    """Return where the server is."""
    return f"https://{HOST}:{HTTPS}/wsman" if tls else f"http://{HOST}:{HTTP}/wsman"


def column(answer: str | bytes) -> list[str]:
    """Return what stands in the items of a message."""
    return items(ET.fromstring(answer))


def items(answer: ET.Element) -> list[str]:
    """Return what stands in the items."""
    return [part.text or "" for item in answer.iterfind(f".//{{{W}}}Items/*") for part in item]


CLIENTS: dict[str, Callable[..., Any]] = {"pypsrp": pypsrp, "pywinrm": pywinrm, "bare": bare}


def answered(client: str, cache: str = "FILE:/nowhere", **asked: Any) -> Any:
    """Ask one question."""
    os.environ["KRB5CCNAME"] = cache
    try:
        return CLIENTS[client](**asked)
    except Exception as error:  # noqa: BLE001 -- each client has its own, and some have those of others
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    json.dump([answered(**question) for question in json.load(sys.stdin)], sys.stdout)
