"""Delivery by syslog: RFC 5424 over TLS (RFC 5425) or TCP, messages framed by octet counting; or to /dev/log.

Syslog has no acknowledgements. Over a connection events count as delivered when the target's kernel has confirmed all
bytes; if a connection breaks before, they are sent again over the next one.
"""

import fcntl
import os
import socket
import ssl
import struct
import termios
import time
from collections.abc import Sequence

from logonscope.answers.host_event import HostEvent
from logonscope.formats.record import utc_text
from logonscope.server.sinks.delivery import DeliveryError, Parcel
from logonscope.server.sinks.documents import Encoder
from logonscope.server.sinks.settings import SinkSettings
from logonscope.server.sinks.tls import sink_context

FACILITY = 10  # authpriv: security/authorization messages
_NOTICE, _WARNING = 5, 4
_WARNINGS = {"LogonFailed", "Lost"}
_SIOCOUTQ = termios.TIOCOUTQ  # bytes that the other end has not confirmed: tcp(7)
_POLL_SECONDS = 0.005


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
            if self._socket is not None and _is_closed(self._socket):
                self.close()
            connection = self._socket or self._connect()
            # RFC 6587, 3.4.1
            connection.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))
            self._await_confirmation(connection)
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
        plain = socket.create_connection((target.host, target.port), seconds)
        try:
            plain.settimeout(seconds)
            connection = plain
            if target.scheme == "tls":
                connection = sink_context(self._settings).wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise
        self._socket = connection
        return connection

    def _await_confirmation(self, connection: socket.socket) -> None:
        deadline = time.monotonic() + self._settings.seconds
        while True:
            (waiting,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), _SIOCOUTQ, b"\0" * 4))
            if waiting == 0:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"not confirmed within {self._settings.seconds} s")
            time.sleep(_POLL_SECONDS)
        if _is_closed(connection):
            raise ConnectionResetError("the connection was closed")


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the other end has closed a connection; a syslog server sends nothing."""
    seconds = connection.gettimeout()
    connection.settimeout(0)
    try:
        return not connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(seconds)


class LocalLogDelivery:
    """Sends messages to the syslog server of this machine, in the form of syslog(3)."""

    def __init__(self, path: str, encode: Encoder, seconds: int) -> None:
        self._path, self._encode, self._seconds = path, encode, seconds

    def __repr__(self) -> str:
        return f"<LocalLogDelivery to {self._path}>"

    def send(self, parcel: Parcel) -> None:
        """Send events."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
                connection.settimeout(self._seconds)
                connection.connect(self._path)
                for message in self._messages(parcel.events):
                    connection.send(message)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DeliveryError(f"cannot write to {self._path}: {reason}") from None

    def close(self) -> None:
        """Nothing is kept open."""

    def _messages(self, events: Sequence[HostEvent]) -> list[bytes]:
        moment, facility = time.strftime("%b %e %H:%M:%S"), FACILITY * 8
        return [
            f"<{facility + _severity(event)}>{moment} logonscope[{os.getpid()}]: {self._encode(event)}".encode()
            for event in events
        ]
