"""A client of WS-Management whose messages are encrypted with NTLM, as WinRM's clients do over HTTP."""

import base64
import re

import spnego

from bench.served import PASSWORD, SOAP, Client
from bench.tools import UnavailableError

_CHALLENGE = re.compile(rb"\r\nwww-authenticate: Negotiate ([A-Za-z0-9+/=]+)", re.IGNORECASE)
_PROTOCOL, _BOUNDARY = "application/HTTP-SPNEGO-session-encrypted", "Encrypted Boundary"


class SealedClient(Client):
    """One connection that NTLM has authenticated (MS-WSMV 2.2.9.1)."""

    def __init__(self, port: int, name: str = "scanner") -> None:
        super().__init__(port, name)
        options = spnego.NegotiateOptions.wrapping_winrm
        self._context = spnego.client(name, PASSWORD, hostname="127.0.0.1", protocol="ntlm", options=options)
        challenge = None
        while (token := self._context.step(challenge)) is not None:
            shown = base64.b64encode(token).decode()
            head, _ = self.exchange(f"Authorization: Negotiate {shown}\r\n", b"")
            next_token = _CHALLENGE.search(head)
            challenge = base64.b64decode(next_token[1]) if next_token else None
            if self._context.complete:
                break
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnavailableError(f"the server did not authenticate the client: {head[:200]!r}")

    def ask(self, request: bytes) -> bytearray:
        """See ``Client``."""
        header, sealed, padding = self._context.wrap_winrm(request)
        about = (
            f"--{_BOUNDARY}\r\n\tContent-Type: {_PROTOCOL}\r\n"
            f"\tOriginalContent: type={SOAP};Length={len(request) + padding}\r\n"
            f"--{_BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
        )
        message = about.encode() + len(header).to_bytes(4, "little") + header + sealed
        content_type = f'Content-Type: multipart/encrypted;protocol="{_PROTOCOL}";boundary="{_BOUNDARY}"\r\n'
        head, body = self.exchange(content_type, message + f"--{_BOUNDARY}--\r\n".encode())
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnavailableError(f"the server said: {head[:200]!r}")
        begin = body.find(b"octet-stream\r\n") + len(b"octet-stream\r\n")
        length = int.from_bytes(body[begin : begin + 4], "little")
        begin += 4
        signature, data = bytes(body[begin : begin + length]), bytes(body[begin + length : body.rfind(b"--Encrypted")])
        return bytearray(self._context.unwrap_winrm(signature, data))
