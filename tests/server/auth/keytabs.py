"""How does a keytab come about without a KDC? By libkrb5, with a key that opens nothing."""

from pathlib import Path

import krb5

AES256 = 18
"""RFC 3961 8: aes256-cts-hmac-sha1-96."""


def made_keytab(path: Path, *principals: str) -> str:
    """Make a keytab, and return where it is."""
    context = krb5.init_context()
    made = krb5.kt_resolve(context, f"FILE:{path}".encode())
    for principal in principals:
        key = krb5.init_keyblock(context, AES256, b"k" * 32)
        krb5.kt_add_entry(context, made, krb5.parse_name_flags(context, principal.encode()), 1, 0, key)
    return str(path)


def renamed(path: Path, copy: Path, principal: str) -> None:
    """Copy a keytab, with its keys under another name."""
    context = krb5.init_context()
    made = krb5.kt_resolve(context, f"FILE:{copy}".encode())
    name = krb5.parse_name_flags(context, principal.encode())
    for entry in krb5.kt_resolve(context, f"FILE:{path}".encode()):
        krb5.kt_add_entry(context, made, name, entry.kvno, entry.timestamp, entry.key)
