"""Results of a verification."""

from logonscope.machine.history import Verification


def test_a_verification_is_intact_without_a_bad_seal() -> None:
    result = Verification(1, 2, 0, 0, "", None, "")
    assert result.is_intact
    assert not result._replace(first_bad=(1, 2)).is_intact
