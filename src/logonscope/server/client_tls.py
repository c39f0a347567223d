"""TLS of connections that this server opens: the other server's certificate is always verified."""

import ssl
from typing import NamedTuple

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
            TlsFileError: a file cannot be read, or has no certificate.
        """
        file = self.ca
        try:
            if file:
                check_regular(file)
            context = ssl.create_default_context(cafile=file or None)
            if self.client_certificate:
                file = self.client_certificate
                check_regular(file)
                context.load_cert_chain(file)
        except OSError as error:
            reason = "it has no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise TlsFileError(f"cannot use {file}: {reason}") from None
        return context
