"""Messages of one end of a security context, and of no other, are opened by the other end."""

import spnego

from logonscope.server.auth.negotiate import Negotiation


def exchange(server: Negotiation, client: spnego.ContextProxy) -> tuple[bytes, bytes, int]:
    """Let both ends ask and answer a few times, sealed; return the last message of the client's."""
    sent = b"", b"", 0
    for at in range(3):
        data = b"question %d" % at
        made = client.wrap_winrm(data)
        sent = made.header, made.data, len(data)
        assert server.decrypt(*sent) == data
        signature, sealed, _ = server.encrypt(b"answer")
        assert client.unwrap_winrm(signature, sealed) == b"answer"
        assert data not in made.data
    return sent
