"""``python -m tests.peers``: which login owns each of seven processes, as Logonscope and three peers see it.

Logonscope is started afterwards and asked before and after logout. The peers' published rules get the same, and once
more what an agent knows that has seen every process start. The output is the table of docs/proof.md. Exit code 1 unless
all answers of Logonscope are correct.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.peers import datadog, elastic, sysmon
from tests.peers.events import Recorder
from tests.peers.facts import Process, all_processes
from tests.peers.scene import Scene, SceneError, enter, scene, unavailable
from tests.peers.verdicts import ENDED, Verdicts, all_correct, markdown, verdict

Processes = Mapping[int, Process]
Rule = Callable[[int, Processes], object]

LOGONSCOPE = "Logonscope"
RULES: dict[str, Rule] = {
    "Elastic": elastic.entry_leader,
    "Datadog": datadog.ssh_session,
    "Sysmon, LogonId": lambda pid, processes: sysmon.logon_id(processes.get(pid)),
    "Sysmon, TerminalSessionId": lambda pid, processes: sysmon.terminal_session_id(processes.get(pid)),
}
WITH_EVENTS = {name: f"{name}, with events" for name in RULES}
COLUMNS = (LOGONSCOPE, *RULES, *WITH_EVENTS.values())
SETTLE = 1.0
"""How long processes get to end after logout, and their events to arrive."""


class Answers:
    """The answers of all columns about one scene, judged."""

    def __init__(self, shown: Scene, recorder: Recorder) -> None:
        self._scene = shown
        self._recorder = recorder
        self._logins = {name: rule(shown.login.pid, all_processes()) for name, rule in RULES.items()}
        time.sleep(SETTLE)
        if shown.login.pid not in recorder.history:
            raise SceneError("the kernel sends no process events here: CONFIG_PROC_EVENTS, outside of containers")
        self._recorded_logins = {name: rule(shown.login.pid, recorder.history) for name, rule in RULES.items()}

    def judged(self) -> Verdicts:
        """Ask every user about the processes that live at this moment."""
        alive, now = self._scene.alive(), all_processes()
        verdicts = {LOGONSCOPE: self._logonscope(alive)}
        for name, rule in RULES.items():
            verdicts[name] = self._peer(rule, alive, now, self._logins[name])
            history = {**self._recorder.history}
            verdicts[WITH_EVENTS[name]] = self._peer(rule, alive, history, self._recorded_logins[name])
        return verdicts

    def _logonscope(self, alive: Mapping[str, int]) -> dict[str, str]:
        bystanders = logon_ids([pid for pid in self._scene.others if pid in all_processes()])
        owners, expected = logon_ids(list(alive.values())), str(self._scene.login.kernel_id)
        return {
            name: verdict(owners.get(alive[name]), expected, list(bystanders.values())) if name in alive else ENDED
            for name in self._scene.processes
        }

    def _peer(self, rule: Rule, alive: Mapping[str, int], processes: Processes, login: object) -> dict[str, str]:
        others = [rule(pid, processes) for pid in self._scene.others]
        return {
            name: verdict(rule(alive[name], processes), login, others) if name in alive else ENDED
            for name in self._scene.processes
        }


def logon_ids(pids: list[int]) -> dict[int, str]:
    """Ask a Logonscope that is started now for the owners of processes."""
    command = [sys.executable, "-m", "logonscope", "whose", *map(str, pids), "-o", "json"]
    answers: list[dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {answer["pid"]: answer["logon_id"] for answer in answers}


def compare() -> int:
    """Print the table; return the exit code."""
    with Recorder() as recorder, scene() as shown:
        answers = Answers(shown, recorder)
        before = answers.judged()
        shown.log_out()
        time.sleep(SETTLE)
        after = answers.judged()
    if recorder.has_lost_events:
        raise SceneError("the kernel dropped process events; run it again on a quieter machine")
    print(*markdown(COLUMNS, list(shown.processes), before, after), sep="\n")
    return int(not all_correct(before[LOGONSCOPE], after[LOGONSCOPE]))


def main() -> None:
    """Compare in a namespace of its own."""
    if reason := unavailable():
        raise SystemExit(f"cannot compare with the peers: {reason}")
    enter()
    try:
        raise SystemExit(compare())
    except SceneError as error:
        raise SystemExit(f"cannot compare with the peers: {error}") from None


if __name__ == "__main__":
    main()
