"""Delivery by syslog: RFC 5424 over TLS (RFC 5425) or TCP, messages framed by octet counting; or to /dev/log.

Syslog has no acknowledgements. Over a connection, events count as delivered when the target's kernel has confirmed all
bytes; if the connection breaks earlier, the events are sent again over the next one. A syslog server sends nothing: a
target that answers is not a syslog server, or expects TLS.
"""

import errno
import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import time
from collections.abc import Sequence

from logonscope.answers.host_event import HostEvent
from logonscope.formats.record import utc_text
from logonscope.server.sinks.delivery import DeliveryError, Parcel, RejectedError
from logonscope.server.sinks.documents import Encoder
from logonscope.server.sinks.settings import SinkSettings
from logonscope.server.sinks.tls import sink_context

FACILITY = 10  # authpriv: security/authorization messages
_NOTICE, _WARNING = 5, 4
_WARNINGS = {"LogonFailed", "Lost"}
_SIOCOUTQ = termios.TIOCOUTQ  # bytes that the other end has not confirmed: tcp(7)
_POLL_SECONDS = 0.005
_ANSWER_BYTES = 4096

REFUSAL_SECONDS = 0.5
"""Seconds that a sink waits after the first events over a new connection. A server that does not accept the events, or
the client's certificate (TLS 1.3), closes the connection after it has received data."""


def syslog_message(event: HostEvent, text: str, host_name: str) -> bytes:
    """Return an event as a message of RFC 5424."""
    moment = utc_text(event.time) or "-"
    name = "".join(letter for letter in host_name if "!" <= letter <= "~")[:255] or "-"
    header = f"<{FACILITY * 8 + _severity(event)}>1 {moment} {name} logonscope {os.getpid()} {event.event} -"
    return f"{header} {text}".encode()


def _severity(event: HostEvent) -> int:
    return _WARNING if event.event in _WARNINGS else _NOTICE


class SyslogDelivery:
    """Sends messages over a connection."""

    def __init__(self, settings: SinkSettings, encode: Encoder, host_name: str) -> None:
        self._settings, self._encode, self._host_name = settings, encode, host_name
        self._socket: socket.socket | None = None

    def __repr__(self) -> str:
        return f"<SyslogDelivery to {self._settings.target}>"

    def send(self, parcel: Parcel) -> None:
        """Send events, and wait until the target's kernel has confirmed them."""
        messages = [syslog_message(event, self._encode(event), self._host_name) for event in parcel.events]
        try:
            if self._socket is not None and _has_ended(self._socket):
                self.close()
            is_new = self._socket is None
            connection = self._socket or self._connect()
            # RFC 6587, 3.4.1
            connection.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))
            self._await_confirmation(connection, REFUSAL_SECONDS if is_new else 0.0)
        except OSError as error:
            self.close()
            reason = error.strerror or str(error) or type(error).__name__
            raise DeliveryError(f"cannot send to {self._settings.target}: {reason}") from None

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connect(self) -> socket.socket:
        target, seconds = self._settings.target, self._settings.seconds
        tcp_socket = socket.create_connection((target.host, target.port), seconds)
        try:
            tcp_socket.settimeout(seconds)
            connection = tcp_socket
            if target.scheme == "tls":
                connection = sink_context(self._settings).wrap_socket(tcp_socket, server_hostname=target.host)
        except BaseException:
            tcp_socket.close()
            raise
        self._socket = connection
        return connection

    def _await_confirmation(self, connection: socket.socket, refusal_seconds: float) -> None:
        deadline = time.monotonic() + self._settings.seconds
        while True:
            (unconfirmed_bytes,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), _SIOCOUTQ, b"\0" * 4))
            # checked while bytes wait, too: after a reset of the connection, they are never confirmed
            if _has_ended(connection):
                raise ConnectionResetError("the connection was closed")
            if unconfirmed_bytes == 0:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"not confirmed within {self._settings.seconds} s")
            time.sleep(_POLL_SECONDS)
        # not select(), which takes no descriptor above 1023: a busy server has more
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        end = time.monotonic() + refusal_seconds
        while (seconds_left := end - time.monotonic()) > 0:
            poll.poll(seconds_left * 1000)
            if _has_ended(connection):
                raise ConnectionResetError("the connection was closed")


def _has_ended(connection: socket.socket) -> bool:
    """Return whether a connection was closed by the other end, or is broken.

    Raises:
        OSError: the other end has sent something.
    """
    seconds = connection.gettimeout()
    connection.settimeout(0)
    try:
        received = connection.recv(_ANSWER_BYTES)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(seconds)
    if received:
        expected = "syslog" if isinstance(connection, ssl.SSLSocket) else "syslog without TLS"
        raise OSError(0, f"the target answered {received[:40]!r}: it does not speak {expected}")
    return True


class LocalLogDelivery:
    """Sends messages to the syslog server of this machine, in the form of syslog(3)."""

    def __init__(self, path: str, encode: Encoder, seconds: int) -> None:
        self._path, self._encode, self._seconds = path, encode, seconds

    def __repr__(self) -> str:
        return f"<LocalLogDelivery to {self._path}>"

    def send(self, parcel: Parcel) -> None:
        """Send events. An event too long for a datagram is rejected: to retry it would block all later events."""
        rejected = 0
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
                connection.settimeout(self._seconds)
                connection.connect(self._path)
                for message in self._messages(parcel.events):
                    rejected += not _send(connection, message)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DeliveryError(f"cannot write to {self._path}: {reason}") from None
        if rejected:
            raise RejectedError(f"{self._path} takes no message of that length", rejected)

    def close(self) -> None:
        """Nothing is kept open."""

    def _messages(self, events: Sequence[HostEvent]) -> list[bytes]:
        moment, facility = time.strftime("%b %e %H:%M:%S"), FACILITY * 8
        return [
            f"<{facility + _severity(event)}>{moment} logonscope[{os.getpid()}]: {self._encode(event)}".encode()
            for event in events
        ]


def _send(connection: socket.socket, message: bytes) -> bool:
    """Send a datagram; return False if it is too long."""
    try:
        connection.send(message)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        return False
    return True
