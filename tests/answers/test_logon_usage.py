"""answers/logon_usage.py: the processor time is known where both of its parts are."""

from logonscope.answers.logon_usage import LogonUsage


def test_the_processor_time_is_the_sum_of_its_parts() -> None:
    assert LogonUsage(1, 0, user_time=0.1, kernel_time=0.2).processor_time == 0.3
    assert LogonUsage(1, 1, user_time=0.1).processor_time is None
