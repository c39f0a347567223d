"""Asks a server as a client would: pypsrp, run inside the machine of the tests; questions come and go as JSON.

A question is a user, a password, and either a query, or a method with its process or its service.
"""

import json
import sys
import xml.etree.ElementTree as ET
from typing import Any

from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.wsman import SelectorSet, WSMan

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
N, W = "http://schemas.xmlsoap.org/ws/2004/09/enumeration", "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
CERTIFICATE = "/var/lib/logonscope/self-signed.crt"


def answered(user: str, password: str, **asked: Any) -> Any:
    """Ask, and return rows, or what a method returned, or the refusal's number."""
    certificate: Any = CERTIFICATE
    with WSMan(
        "127.0.0.1", ssl=True, auth="basic", username=user, password=password, cert_validation=certificate
    ) as wsman:
        try:
            return _invoked(wsman, **asked) if "method" in asked else _queried(wsman, **asked)
        except WSManFaultError as error:
            return error.code
        except AuthenticationError:
            return "nobody"


def _queried(wsman: WSMan, query: str) -> list[dict[str, str | None]]:
    body = ET.Element(f"{{{N}}}Enumerate")
    ET.SubElement(body, f"{{{W}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{W}}}MaxElements").text = "1000"
    dialect = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
    ET.SubElement(body, f"{{{W}}}Filter", Dialect=dialect).text = query
    items = wsman.enumerate(f"{WMI}/*", body).iterfind(f".//{{{W}}}Items/*")
    return [{part.tag.rpartition("}")[2]: part.text for part in item} for item in items]


def _invoked(wsman: WSMan, method: str, pid: int = 0, service: str = "") -> dict[str, str | None]:
    selectors = SelectorSet()
    selectors.add_option("Name" if service else "Handle", service or str(pid))
    uri = f"{WMI}/{'Win32_Service' if service else 'Win32_Process'}"
    answer = wsman.invoke(f"{uri}/{method}", uri, ET.Element(f"{{{uri}}}{method}_INPUT"), selector_set=selectors)
    (output,) = answer.iter(f"{{{uri}}}{method}_OUTPUT")
    return {part.tag.rpartition("}")[2]: part.text for part in output}


if __name__ == "__main__":
    json.dump([answered(**question) for question in json.load(sys.stdin)], sys.stdout)
