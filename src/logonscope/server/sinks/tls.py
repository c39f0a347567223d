"""TLS of sinks: the server's certificate is always verified; a client certificate where one is set."""

import ssl

from logonscope.server.sinks.delivery import DeliveryError
from logonscope.server.sinks.settings import SinkSettings


def sink_context(settings: SinkSettings) -> ssl.SSLContext:
    """Return the context of a sink's connections; its files are read anew each time, so that they can be replaced.

    Raises:
        DeliveryError: a file cannot be read, or has no certificate.
    """
    file = settings.ca
    try:
        context = ssl.create_default_context(cafile=file or None)
        if settings.client_certificate:
            file = settings.client_certificate
            context.load_cert_chain(file)
    except OSError as error:
        reason = "it has no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise DeliveryError(f"cannot use {file}: {reason}") from None
    return context
