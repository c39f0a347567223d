"""The clients that ask the scripts' questions: pypsrp over WS-Management, and the drop-in for the module ``wmi``.

Run as a program, it reads where the server is as JSON, asks every question with both clients, and writes the rows.
"""

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Any, NamedTuple

from pypsrp.wsman import SelectorSet, WSMan

from logonscope import wmi
from tests.administrators.scripts import SCRIPTS, Script
from tests.administrators.truth import normal, normal_rows

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi"
ENUMERATION, WSMAN = (
    "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
)
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

PYPSRP, DROP_IN = "pypsrp", "wmi"
Row = dict[str, str | None]


class Server(NamedTuple):
    """Where the server listens, the file of its certificate, and the user's name and password."""

    port: int
    certificate: str
    user: str
    password: str


def ask(client: str, server: Server, script: Script) -> list[list[str | None]] | str:
    """Return the rows of a script, or the text of the error."""
    asks = {PYPSRP: ask_over_wsman, DROP_IN: ask_with_drop_in}[client]
    try:
        return sorted(map(list, normal_rows(asks(server, script))), key=repr)
    except Exception as error:  # noqa: BLE001 -- one script that fails must not hide the others
        return f"{type(error).__name__}: {error}"


def ask_with_drop_in(server: Server, script: Script) -> Iterable[Iterable[Any]]:
    """Run the script for the module ``wmi``."""
    os.environ["LOGONSCOPE_CA"] = server.certificate
    try:
        namespace = wmi.WMI(
            f"127.0.0.1:{server.port}", user=server.user, password=server.password, namespace=script.namespace
        )
        return list(script.wmi(namespace))
    finally:
        del os.environ["LOGONSCOPE_CA"]


def ask_over_wsman(server: Server, script: Script) -> Iterable[Iterable[Any]]:
    """Ask the questions of a script in WQL, each for every row of the one before."""
    certificate: Any = server.certificate
    with WSMan(
        "127.0.0.1", port=server.port, ssl=True, auth="basic", username=server.user, password=server.password,
        cert_validation=certificate,
    ) as wsman:  # fmt: skip
        rows: list[Row] = [{}]
        for number, question in enumerate(script.wql, 1):
            rows = [row | found for row in rows for found in _query(wsman, script, question.format(**row), number)]
        if script.method is not None:
            rows = [row | _invoke(wsman, script, row) for row in rows]
    return [[row[column] for column in script.columns.split()] for row in rows]


def _query(wsman: WSMan, script: Script, text: str, number: int) -> list[Row]:
    """Return the rows of a query; each value also under the number of its question."""
    uri = f"{WMI}/{script.namespace}/*"
    body = ET.Element(f"{{{ENUMERATION}}}Enumerate")
    ET.SubElement(body, f"{{{WSMAN}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{WSMAN}}}MaxElements").text = "50"
    ET.SubElement(body, f"{{{WSMAN}}}Filter", Dialect=WQL).text = text
    answer = wsman.enumerate(uri, body)
    rows = [_row(item) for item in answer.iterfind(f".//{{{WSMAN}}}Items/*")]
    while (context := answer.findtext(f".//{{{ENUMERATION}}}EnumerationContext")) and context.strip():
        pull = ET.Element(f"{{{ENUMERATION}}}Pull")
        ET.SubElement(pull, f"{{{ENUMERATION}}}EnumerationContext").text = context
        ET.SubElement(pull, f"{{{ENUMERATION}}}MaxElements").text = "50"
        answer = wsman.pull(uri, pull)
        rows += [_row(item) for item in answer.iterfind(f".//{{{ENUMERATION}}}Items/*")]
    return [row | {f"{number}.{name}": value for name, value in row.items()} for row in rows]


def _row(item: ET.Element) -> Row:
    return {part.tag.rpartition("}")[2]: _value(part) for part in item}


def _value(part: ET.Element) -> str | None:
    if part.get(NIL) == "true":
        return None
    # a time is an element of its own
    return normal(part.text or next((child.text for child in part if child.tag.endswith("Datetime")), "") or "")


def _invoke(wsman: WSMan, script: Script, row: Row) -> Row:
    assert script.method is not None
    class_name, key, method = script.method
    uri, selectors = f"{WMI}/{script.namespace}/{class_name}", SelectorSet()
    selectors.add_option(key, row[key] or "")
    answer = wsman.invoke(f"{uri}/{method}", uri, ET.Element(f"{{{uri}}}{method}_INPUT"), selector_set=selectors)
    (output,) = answer.iter(f"{{{uri}}}{method}_OUTPUT")
    return _row(output)


def main() -> None:
    """Ask everything, as the users of the servers on standard input."""
    servers = {caller: Server(*given) for caller, given in json.load(sys.stdin).items()}
    answers = {
        client: {script.asks: ask(client, servers[script.caller], script) for script in SCRIPTS}
        for client in (PYPSRP, DROP_IN)
    }
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
