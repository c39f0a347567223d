"""Tests of server/sinks/delivery.py: secrets in files."""

from pathlib import Path

import pytest

from logonscope.server.sinks.delivery import DeliveryError, read_secret


def test_a_secret_is_the_text_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret\n")
    assert read_secret(str(file)) == "a secret"


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"\xff\xfe", b"a\x1b[2J"])
def test_a_file_that_has_no_secret_is_named_without_its_content(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(DeliveryError) as error:
        read_secret(str(file))
    assert str(file) in str(error.value)
