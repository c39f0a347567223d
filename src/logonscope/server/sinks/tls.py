"""TLS of sinks: the target's certificate is always verified; a client certificate is used if the settings have one."""

import ssl

from logonscope.server.client_tls import ClientTls, TlsFileError
from logonscope.server.sinks.delivery import DeliveryError
from logonscope.server.sinks.settings import SinkSettings


def sink_context(settings: SinkSettings) -> ssl.SSLContext:
    """Return the context of a connection of a sink. The files are read at each call, so that they can be replaced.

    Raises:
        DeliveryError: a file cannot be read, has no certificate, or has no key that can be used with it.
    """
    try:
        return ClientTls(settings.ca, settings.client_certificate).make_context()
    except TlsFileError as error:
        raise DeliveryError(str(error)) from None
