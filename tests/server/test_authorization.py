"""Tests of server/authorization.py: credentials are read from any header, and challenges are what clients expect."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from logonscope.server.auth.authenticator import BASIC, KERBEROS, NEGOTIATE, Authentication, Credentials
from logonscope.server.authorization import BASIC_CHALLENGE, CERTIFICATE_PROFILE, challenges, credentials_of

tokens = st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode())
headers = st.builds("{} {}".format, st.sampled_from(("Basic", "Negotiate", "NTLM")), tokens)


@given(st.text(max_size=60) | headers)
def test_any_header_is_read(authorization: str) -> None:
    shown = credentials_of(authorization)
    assert shown is not None
    assert shown.scheme == authorization.strip().partition(" ")[0].lower()


def test_what_headers_show() -> None:
    assert credentials_of(None) is None
    assert credentials_of(CERTIFICATE_PROFILE) is None
    basic = base64.b64encode(b"a:b:c").decode()
    assert credentials_of(f"Basic {basic}") == Credentials("basic", "a", "b:c")
    assert credentials_of("Basic !!!") == Credentials("basic")
    assert credentials_of("Negotiate " + "A" * 200_000) == Credentials("negotiate")
    assert credentials_of("Bearer AAAA") == Credentials("bearer", token=b"AAAA")


def test_what_is_offered_and_what_a_negotiation_answers() -> None:
    offered = Authentication(None, (NEGOTIATE, KERBEROS, BASIC))
    assert challenges(offered, None) == ("Negotiate", "Kerberos", BASIC_CHALLENGE)
    assert challenges(Authentication(None), None) == ()
    assert challenges(Authentication(None, token=b"\0\0\0"), Credentials("ntlm")) == ("NTLM AAAA",)
