"""Tests of providers/sid.py: SIDs as bytes in Windows' own layout."""

from tests.providers.asked import everything, one, web1


def test_a_sid_as_text_and_as_bytes() -> None:
    columns = ("SID", "AccountName", "ReferencedDomainName", "SidLength", "BinaryRepresentation")
    assert one(web1(), 'Win32_SID="S-1-22-1-1000"', *columns) == (
        "S-1-22-1-1000", "alice", "web1", 16, bytes([1, 2, 0, 0, 0, 0, 0, 22, 1, 0, 0, 0, 0xE8, 3, 0, 0]),
    )  # fmt: skip


def test_every_user_has_one() -> None:
    uids = (0, 110, 1000, 1001, 20001, 20002)
    assert everything(web1(), "Win32_SID", "SID") == [f"S-1-22-1-{uid}" for uid in uids]
