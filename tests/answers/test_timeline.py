"""Timeline rows: what their repr shows."""

from logonscope.answers.timeline import TimelineLogin


def test_a_login_shows_who_it_is() -> None:
    login = TimelineLogin(
        "7", "41", "alice", 1000, 10, None, None, None, False, "sshd", None, None, "203.0.113.7", "publickey", ()
    )
    assert repr(login) == "TimelineLogin(logon_id='41', user='alice', ...)"
