"""Connections that are held and say nothing, half a ClientHello, or half a request."""

import time
from functools import partial

from tests.siege.attack import attacking
from tests.siege.siege import Siege


def hold_connections(siege: Siege, mode: str, what: str) -> str:
    """Hold connections to the TLS port for a while; each that is closed is opened anew."""
    scale, port = siege.scale, siege.unit.tls_port
    words = (port, scale.connections, scale.addresses, mode)
    with attacking(siege.machine, "attackers.connection_holder", *words) as holder:
        time.sleep(scale.seconds)
        seen = holder.outcome()
    siege.expect(seen["opened"] >= scale.connections, f"only {seen['opened']} connections could be opened")
    return (
        f"{scale.connections:,} connections at a time from {scale.addresses} addresses, {what}, {scale.seconds:g} s: "
        f"{seen['opened']:,} in all"
    )


hold_silent_connections = partial(hold_connections, mode="silent", what="not a byte")
hold_dripped_connections = partial(hold_connections, mode="dripped", what="half a ClientHello byte by byte")
