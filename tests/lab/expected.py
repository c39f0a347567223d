"""The expected logon session of each process: the four rules, written again from other documentation.

It shares nothing with the product but the rules: truth.py's rows and `loginctl show-session` in, LogonIds out.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from tests.lab.truth import Truth

UNSET = 2**32 - 1
SCOPE = re.compile(r"/user\.slice/user-\d+\.slice/session-([^/]+)\.scope(/.*)?")
MANAGER = re.compile(r"/user\.slice/user-(\d+)\.slice/user@\1\.service(/.*)?")


class Expected(NamedTuple):
    """A process's logon session and the rule that says so."""

    logon_id: str
    evidence: str


def expected(truth: Mapping[int, Truth], logind: Mapping[str, Mapping[str, str]]) -> dict[int, Expected]:
    """Decide for every process."""
    kernel = {name: kernel_id(login, truth) for name, login in logind.items()}
    owner: dict[int, str] = {}
    for name in sorted(logind, key=lambda name: int(logind[name]["TimestampMonotonic"])):
        owner.setdefault(kernel[name], name)

    def decide(row: Truth) -> Expected:
        ses = row["sessionid"]
        scope = SCOPE.fullmatch(row["cgroup"])
        if scope and (name := scope[1]) in logind and (ses == UNSET or (ses == kernel[name] and owner[ses] != name)):
            return Expected(str(2**32 + int(name[1:]) if name.startswith("c") else int(name)), "scope")
        if ses != UNSET:
            return Expected(str(ses), "audit")
        if manager := MANAGER.fullmatch(row["cgroup"]):
            return Expected(str(2**33 + int(manager[1])), "manager")
        return Expected(str(UNSET), "none")

    return {pid: decide(row) for pid, row in truth.items()}


def kernel_id(login: Mapping[str, str], truth: Mapping[int, Truth]) -> int:
    """Return a login's audit session id: logind's word, else its leader's, else the one of all in its scope."""
    said = int(login.get("Audit", 0))
    leader = truth.get(int(login.get("Leader", 0)))
    if said not in (0, UNSET):
        return said
    if leader:
        return leader["sessionid"]
    scopes = ((SCOPE.fullmatch(row["cgroup"]), row["sessionid"]) for row in truth.values())
    carried = {ses for scope, ses in scopes if scope and scope[1] == login["Id"]}
    return carried.pop() if len(carried) == 1 else UNSET
