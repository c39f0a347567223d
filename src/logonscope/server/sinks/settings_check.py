"""Dry-run validation of sinks: secrets, TLS files, and the directories of file sinks; nothing is sent."""

import os

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.server.sinks.delivery import DeliveryError, read_secret
from logonscope.server.sinks.settings import FILE, SinkSettings
from logonscope.server.sinks.tls import sink_context


def check_sink(sink: SinkSettings) -> str:
    """Check the settings of a sink, and return a description of it.

    Raises:
        AccessDeniedError, InvalidParameterError: the sink cannot work with these settings.
    """
    label = f"sink '{sink.name}'"
    try:
        for path in filter(None, (sink.secret_file, sink.token_file)):
            read_secret(path)
        if sink.target.scheme in {"https", "tls"}:
            sink_context(sink)
    except DeliveryError as error:
        raise InvalidParameterError(f"{label}: {error}", "correct the file, or its permissions") from None
    if sink.type == FILE:
        if os.path.exists(sink.target.path) and not os.path.isfile(sink.target.path):
            raise InvalidParameterError(f"{label}: {sink.target.path} is no regular file", "give another file")
        folder = os.path.dirname(sink.target.path)
        if not os.path.isdir(folder):
            raise InvalidParameterError(f"{label}: {folder} is no directory", "create it")
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            raise AccessDeniedError(f"{label}: no write permission for {folder}", "use another directory")
    return f"sink {sink.name}: {sink.type} to {sink.target}, {', '.join(sorted(sink.events))}"
