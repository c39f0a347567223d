"""providers/effective_user.py: whom does a process run as?"""

from logonscope.facts import Account, Process
from logonscope.providers.helpers.effective_user import effective_user
from tests import example


def test_a_process_runs_as_its_effective_user() -> None:
    assert effective_user(Process(7, uids=(1000, 0, 0, 0)), example.ACCOUNTS) == "root"
    assert effective_user(Process(7, uids=(0, 4242, 0, 0)), example.ACCOUNTS) is None
    assert effective_user(Process(7), example.ACCOUNTS) is None
    assert effective_user(Process(7, uids=(5,) * 4), {5: Account("a\x1b", 5, 5, "", "", "")}) == "a\ufffd"
