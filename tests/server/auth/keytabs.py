"""Keytabs without a KDC, made by libkrb5 with a random key."""

from pathlib import Path

import pytest

WITHOUT_KERBEROS = "needs the extra test-kerberos: make test STRICT=1 installs it"
AES256 = 18
"""RFC 3961 8: aes256-cts-hmac-sha1-96."""


def made_keytab(path: Path, *principals: str) -> str:
    """Make a keytab, and return where it is."""
    krb5 = pytest.importorskip("krb5", reason=WITHOUT_KERBEROS, exc_type=ImportError)
    context = krb5.init_context()
    made = krb5.kt_resolve(context, f"FILE:{path}".encode())
    for principal in principals:
        key = krb5.init_keyblock(context, AES256, b"k" * 32)
        krb5.kt_add_entry(context, made, krb5.parse_name_flags(context, principal.encode()), 1, 0, key)
    return str(path)


def renamed(path: Path, copy: Path, principal: str) -> None:
    """Copy a keytab, with its keys under another name."""
    krb5 = pytest.importorskip("krb5", reason=WITHOUT_KERBEROS, exc_type=ImportError)
    context = krb5.init_context()
    made = krb5.kt_resolve(context, f"FILE:{copy}".encode())
    name = krb5.parse_name_flags(context, principal.encode())
    for entry in krb5.kt_resolve(context, f"FILE:{path}".encode()):
        krb5.kt_add_entry(context, made, name, entry.kvno, entry.timestamp, entry.key)
