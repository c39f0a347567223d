"""Tests of server/sinks/file_delivery.py: lines in order, rotation, files of others, and disks that are full."""

import json
import os
import resource
from pathlib import Path

import pytest

from logonscope.server.sinks.delivery import DeliveryError, Parcel
from logonscope.server.sinks.documents import make_encoder
from logonscope.server.sinks.file_delivery import FileDelivery
from tests.server.sinks.receivers import FAILED, HOST

ENCODE = make_encoder("jsonl", HOST)


def parcel(*cursors: int) -> Parcel:
    return Parcel("p", [FAILED._replace(cursor=str(cursor)) for cursor in cursors])


def cursors(path: Path) -> list[int]:
    return [int(json.loads(line)["cursor"]) for line in path.read_text().splitlines()]


def test_a_file_is_rotated_by_size_and_the_oldest_dropped(tmp_path: Path) -> None:
    path = tmp_path / "events"
    line = len(ENCODE(FAILED)) + 10
    delivery = FileDelivery(str(path), ENCODE, 2 * line, 2)
    for number in range(10, 20):
        delivery.send(parcel(number))
    delivery.close()
    kept = [cursors(tmp_path / name) for name in ("events.2", "events.1", "events")]
    assert sorted(os.listdir(tmp_path)) == ["events", "events.1", "events.2"]
    assert [number for part in kept for number in part] == list(range(20 - sum(map(len, kept)), 20))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_others_rotate_is_made_again_and_a_cut_line_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"cursor": "1')
    delivery = FileDelivery(str(path), ENCODE, 10**6, 2)
    delivery.send(parcel(2))
    assert path.read_text().splitlines()[0] == '{"cursor": "1'
    os.rename(path, tmp_path / "other")
    delivery.send(parcel(3))
    delivery.close()
    assert cursors(path) == [3]


def test_what_cannot_be_written_wholly_is_not_written_at_all(tmp_path: Path) -> None:
    path = tmp_path / "events"
    delivery = FileDelivery(str(path), ENCODE, 10**6, 2)
    delivery.send(parcel(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # a write beyond the limit is cut, as on a full disk, and the next one fails
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, limits[1]))
    try:
        with pytest.raises(DeliveryError, match="cannot write"):
            delivery.send(parcel(2, 3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    delivery.send(parcel(2, 3))
    delivery.close()
    assert cursors(path) == [1, 2, 3]


def test_links_and_pipes_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing/file"):
        with pytest.raises(DeliveryError):
            FileDelivery(str(tmp_path / name), ENCODE, 10**6, 2).send(parcel(1))
    assert not (tmp_path / "target").exists()
