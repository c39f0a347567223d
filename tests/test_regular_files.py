"""Tests of regular_files.py: what opens files by their names waits for no pipe, and reads no endless device."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from logonscope.client.https_connection import make_context
from logonscope.dispatch.audit import LogFile
from logonscope.errors import LogonscopeError
from logonscope.faces.cli.settings import load_settings
from logonscope.regular_files import check_regular, open_regular
from logonscope.server.auth import private_file
from logonscope.server.certificate import request_client_certificates, tls_context
from logonscope.server.client_tls import ClientTls, TlsFileError
from logonscope.server.configuration import Settings, read_settings
from logonscope.server.sinks.delivery import DeliveryError, read_secret

pytestmark = pytest.mark.usefixtures("promptly")

READERS: dict[str, Callable[[str], object]] = {
    "the settings of the server": read_settings,
    "the settings of the command line": load_settings,
    "a certificate": lambda path: tls_context(Settings(certificate=path)),
    "authorities of clients": lambda path: request_client_certificates(ssl.create_default_context(), path),
    "authorities of receivers": lambda path: ClientTls(ca=path).make_context(),
    "a certificate for receivers": lambda path: ClientTls(client_certificate=path).make_context(),
    "a trusted certificate": make_context,
    "users or tokens": private_file.read,
    "the secret of a sink": read_secret,
}
"""What reads a file that an administrator or a user names."""


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_is_no_regular_file_is_refused_and_not_waited_for(read: Callable[[str], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises((LogonscopeError, TlsFileError, DeliveryError), match=f"{path}: not a regular file"):
            read(path)


def test_a_regular_file_and_dev_null_are_opened_and_a_directory_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with open(tmp_path / "file", encoding="utf-8", opener=open_regular) as file:
        assert file.read() == "text"
    check_regular(os.devnull)
    with pytest.raises(IsADirectoryError):
        check_regular(str(tmp_path))


def test_a_log_that_is_a_pipe_is_refused_unless_a_program_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(LogonscopeError, match=f"cannot write {path}: No such device or address"):
        LogFile(str(path))
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write = LogFile(str(path))
    write("one")
    assert os.read(reader, 99) == b"one\n"
    with pytest.raises(OSError, match=r"Invalid argument|unavailable"):  # what is not read soon fills the pipe
        write("x" * (1 << 21))
    os.close(reader)
