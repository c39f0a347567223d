"""Tests of server/sinks/settings_check.py: what is wrong is named before anything is sent."""

from pathlib import Path

import pytest

from logonscope.errors import InvalidParameterError
from logonscope.server.sinks.settings import SinkSettings, Target
from logonscope.server.sinks.settings_check import check_sink


def test_a_sink_is_described_without_the_path_of_its_url(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    settings = SinkSettings(
        "a", "webhook", Target("https", "b", 443, "/hidden"), events=frozenset({"LogonFailed"}),
        secret_file=str(tmp_path / "key"),
    )  # fmt: skip
    assert check_sink(settings) == "sink a: webhook to https://b:443, LogonFailed"
    with pytest.raises(InvalidParameterError, match="sink 'a': cannot read"):
        check_sink(settings._replace(secret_file=str(tmp_path / "missing")))
    with pytest.raises(InvalidParameterError, match=r"cannot use .*key: it has no certificate"):
        check_sink(settings._replace(ca=str(tmp_path / "key")))


def test_the_folder_of_a_file_must_exist(tmp_path: Path) -> None:
    settings = SinkSettings("a", "file", Target("file", "", 0, str(tmp_path / "missing/file")))
    with pytest.raises(InvalidParameterError, match="is no directory"):
        check_sink(settings)
    assert check_sink(settings._replace(target=Target("file", "", 0, str(tmp_path / "file")))).startswith(
        "sink a: file"
    )


def test_a_file_sink_needs_a_regular_file() -> None:
    settings = SinkSettings("a", "file", Target("file", "", 0, "/dev/full"))
    with pytest.raises(InvalidParameterError, match="/dev/full is no regular file"):
        check_sink(settings)
