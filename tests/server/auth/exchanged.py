"""Are messages of one end of a security context, and of no other, opened by the other end?"""

import spnego

from logonscope.server.auth.negotiate import Negotiation
from logonscope.wire.wsman.sealed import Sealed


def exchange(server: Negotiation, client: spnego.ContextProxy, protocol: str) -> Sealed:
    """Let both ends ask and answer a few times, sealed; return the last message of the client's."""
    for at in range(3):
        data = b"question %d" % at
        made = client.wrap_winrm(data)
        sent = Sealed(made.header, made.data, len(data))
        assert server.unseal(sent) == data
        answer = server.seal(b"answer", protocol)
        assert client.unwrap_winrm(answer.signature, answer.data) == b"answer"
        assert data not in sent.data
    return sent
