"""Past logins for tests of providers."""

from logonscope import Host
from logonscope.broker import Caller
from logonscope.facts import LoginHistory
from tests.hosts import ROOT
from tests.providers.asked import web1

SECOND = 1_000_000
HISTORY = (
    LoginHistory("lastlog", uid=1000, last_login=100 * SECOND),
    LoginHistory("lastlog2", user="alice", last_login=300 * SECOND),
    LoginHistory("wtmpdb", user="alice", last_login=200 * SECOND, last_logout=250 * SECOND, logins=7),
    LoginHistory("wtmp", user="alice", last_login=200 * SECOND, logins=3),
    LoginHistory("wtmp", user="bob", last_login=400 * SECOND, logins=1),
    LoginHistory("wtmp", user="who-has-left", last_login=500 * SECOND, logins=1),
)


def host_with_history(caller: Caller = ROOT) -> Host:
    """Return the example host with past logins."""
    return web1(caller, login_history=HISTORY)
