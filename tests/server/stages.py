"""Two servers with a replaceable host each, the callers that send them requests, and what can be asked."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import NamedTuple

from lxml import etree

from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ADDRESSING, WSMAN
from logonscope.wire.xml import clark_name
from tests.broker.crowds import ALICE, BOB, Crowd
from tests.broker.memory import Memory
from tests.broker.test_access_to_instances import SERVED
from tests.server import running as people
from tests.server.exchanges import Client, Exchange, Request, basic
from tests.server.requests_by_operation import LS_PROCESS, PROCESS, Guess, Host, Reference
from tests.server.rights import ADMINISTRATOR, EMPTY, NOBODY, ORDINARY, UNAUTHENTICATED
from tests.server.running import RunningServer, running
from tests.server.soap import envelope

LOGON_SESSION = f"{names.WMI}/root/cimv2/Win32_LogonSession"
METRICS = "/metrics"


class Sender(NamedTuple):
    """A user who sends requests: the kind of caller, its uid, the headers and the path of its requests."""

    kind: str
    uid: int
    headers: Mapping[str, str]
    path: str = "/wsman"


SENDERS = {
    "administrator": Sender(ADMINISTRATOR, 0, basic(*people.ADMIN)),
    "alice": Sender(ORDINARY, ALICE, basic(*people.ALICE)),
    "bob": Sender(ORDINARY, BOB, basic(*people.BOB), "/wsman/"),
    "no credentials": Sender(UNAUTHENTICATED, NOBODY, {}),
    "another scheme": Sender(UNAUTHENTICATED, NOBODY, {"Authorization": "Bearer administrator"}, "/wsman/"),
    "Identify's header": Sender(UNAUTHENTICATED, NOBODY, {"WSMANIDENTIFY": "unauthenticated"}),
    "Identify's path": Sender(UNAUTHENTICATED, NOBODY, basic(*people.ALICE), "/wsman-anon/identify"),
}


class Stage(Memory):
    """A host in memory that another one can take the place of."""

    def show(self, crowd: Crowd) -> None:
        """Be this host from now on."""
        self.forget()
        self.done.clear()
        self._snapshots, self._readings = (crowd.snapshot,), 0


class Pair(NamedTuple):
    """Two servers, each with its host."""

    stages: tuple[Stage, Stage]
    servers: tuple[RunningServer, RunningServer]

    def exchanges(self, number: int, crowd: Crowd, sender: Sender, requests: list[Request]) -> list[Exchange]:
        """Have one of the servers show a host; send it all requests, and return what came of them."""
        self.stages[number].show(crowd)
        with closing(Client(self.servers[number], dict(sender.headers), sender.path)) as client:
            client.converse(requests)
            client.send(b"", method="GET", path=METRICS)
            return client.exchanges


@contextmanager
def staged() -> Iterator[Pair]:
    """Run two servers on which methods and metrics are on."""
    one, two = Stage(EMPTY.snapshot), Stage(EMPTY.snapshot)
    serve = partial(running, uids=(ALICE, BOB), allow_methods="true", metrics="administrators")
    with serve(one) as first, serve(two) as second:
        yield Pair((one, two), (first, second))


def host_of(crowd: Crowd, pair: Pair) -> Host:
    """Return what can be asked about a host: every instance that an administrator gets, and values to guess."""
    pair.stages[0].show(crowd)
    references: list[Reference] = []
    with closing(Client(pair.servers[0], dict(SENDERS["administrator"].headers))) as client:
        for class_name, namespace in SERVED:
            uri = f"{names.WMI}/{namespace}/{class_name}".replace("\\", "/")
            inner = "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode><w:MaxElements>9000</w:MaxElements>"
            begin = envelope(names.ENUMERATE, uri, f"<n:Enumerate><w:OptimizeEnumeration/>{inner}</n:Enumerate>")
            root = etree.fromstring(client.send(begin))
            for item in root.iterfind(
                f".//{clark_name(WSMAN, 'Items')}/*/{clark_name(ADDRESSING, 'ReferenceParameters')}"
            ):
                selectors = item.find(clark_name(WSMAN, "SelectorSet"))
                text = "" if selectors is None else etree.tostring(selectors, encoding="unicode", with_tail=False)
                references.append(Reference(item.findtext(clark_name(WSMAN, "ResourceURI")) or "", text))
    return Host(references, list(guesses(crowd)))


def guesses(crowd: Crowd) -> Iterator[Guess]:
    """Yield values that a caller could guess, and ask for the rows that have them."""
    for pid, process in crowd.process.items():
        for uri in (PROCESS, LS_PROCESS):
            yield Guess(uri, "CommandLine", f"'/bin/secret-{pid}-'")
            yield Guess(uri, "ExecutablePath", f"'/bin/secret-{pid}-'")
            yield Guess(uri, "Name", f"'{process.name}'")
            yield Guess(uri, "VirtualSize", str(550_000_000 + pid))
            yield Guess(uri, "ReadTransferCount", str(660_000_000 + pid))
    for logon_id in {owner.logon_id for owner in crowd.owner.values() if owner.logon_id}:
        yield Guess(LOGON_SESSION, "LogonId", f"'{logon_id}'")
        yield Guess(PROCESS, "SessionId", str(int(logon_id) % (1 << 32)))
