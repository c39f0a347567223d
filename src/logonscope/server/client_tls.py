"""TLS of connections that this server opens: the other server's certificate is always verified."""

import ssl
from typing import NamedTuple, NoReturn

from logonscope.regular_files import check_regular


class TlsFileError(OSError):
    """A file of certificates cannot be used."""


class ClientTls(NamedTuple):
    """Files for connections over TLS; they are read anew for each connection, so that they can be replaced.

    Attributes:
        ca: a PEM file with the certificates to trust; "": those of the system.
        client_certificate: a PEM file with a certificate and its key; "": none.
    """

    ca: str = ""
    client_certificate: str = ""

    def make_context(self) -> ssl.SSLContext:
        """Return the context of a connection.

        Raises:
            TlsFileError: a file cannot be read, has no certificate, or has no key that fits its certificate.
        """
        file = self.ca
        try:
            if file:
                check_regular(file)
            context = ssl.create_default_context(cafile=file or None)
            if self.client_certificate:
                file = self.client_certificate
                check_regular(file)
                context.load_cert_chain(file, password=_reject_encrypted_key)
        except OSError as error:
            reason = _reason(error, needs_key=file == self.client_certificate)
            raise TlsFileError(f"cannot use {file}: {reason}") from None
        return context


def _reject_encrypted_key() -> NoReturn:
    """Reject an encrypted key: OpenSSL would ask for its passphrase on the terminal, and wait."""
    raise TlsFileError("its key is encrypted")


def _reason(error: OSError, *, needs_key: bool) -> str:
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    if error.reason == "KEY_VALUES_MISMATCH":
        return "its key is not that of its certificate"
    return "it has no certificate with its key" if needs_key else "it has no certificate"
