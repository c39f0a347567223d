"""Win32_SID: the SIDs of users' accounts. The SIDs of groups are in Win32_Group.SID."""

import struct

from logonscope.cim.types import Value
from logonscope.facts import Account
from logonscope.providers.helpers.account_names import domain_and_name, user_sid
from logonscope.providers.helpers.provider import Context, Provider, column, constant

UNIX_AUTHORITY, UNIX_USERS = 22, 1
"""The numbers in the beginning of Samba's SIDs of Unix users, S-1-22-1: the authority, and the first subauthority."""

SID_BYTES = 16
"""Bytes of a SID with two subauthorities: 8, and 4 for each subauthority."""


def binary_sid(uid: int) -> bytes:
    """Return the SID of a uid as bytes (MS-DTYP 2.4.2.2): the authority is big-endian, the rest little-endian."""
    return struct.pack("<BB", 1, 2) + UNIX_AUTHORITY.to_bytes(6, "big") + struct.pack("<II", UNIX_USERS, uid)


def _bytes(account: Account, _: Context) -> Value:
    # a recording can contain any number as a uid
    return binary_sid(account.uid) if 0 <= account.uid < 1 << 32 else None


PROVIDER = Provider(
    subject="user",
    columns={
        "SID": column(lambda account, _: user_sid(account.uid), "S-1-22-1-UID, as in Samba"),
        "BinaryRepresentation": column(_bytes, "the bytes of SID"),
        "AccountName": column(
            lambda account, context: domain_and_name(account.name, context.machine.hostname)[1], "passwd(5): name"
        ),
        "ReferencedDomainName": column(
            lambda account, context: domain_and_name(account.name, context.machine.hostname)[0],
            "the kernel's hostname; for an account of a directory service, its domain",
        ),
        "SidLength": constant(SID_BYTES, "the number of bytes"),
    },
    distinct_key=lambda account, _: account.uid,
)
