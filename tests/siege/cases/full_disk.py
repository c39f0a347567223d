"""The file system of the audit log is full while users authenticate and run methods."""

import json
import os
from contextlib import suppress
from pathlib import Path

from tests.lab.systemd import wait_until
from tests.siege.accounts import ADMINISTRATOR, USER
from tests.siege.attack import attacking
from tests.siege.exchange import ONE_ROW, Answer, ask, basic, http_request, invoke, query, trusting_nobody
from tests.siege.siege import Siege

FOLDER = "/var/log/logonscope"
MOUNT = ("mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs", FOLDER)
FULL = "cannot write to the audit log"


def fill_disk(siege: Siege) -> str:
    """Fill the disk, log in, and try to end a process; then make room, and end it."""
    folder = siege.unit.process_folder(siege.pid) / "root" / FOLDER.lstrip("/")
    siege.machine.run(["nsenter", "-t", str(siege.pid), "-m", *MOUNT])  # for the server alone; it ends with it
    assert os.statvfs(folder).f_blocks < 16, f"{FOLDER} is no small file system"
    filler = folder / "filler"
    _fill(filler)

    def is_full() -> bool:
        siege.expect(_ask(siege, query(ONE_ROW)).status == 200, "nobody can log in on a full disk")
        return any(FULL in line for line in siege.log())

    wait_until(is_full, 60, "the audit log is full")
    with attacking(siege.machine, "attackers.process_keeper", USER.uid, "arguments", 1) as target:
        (pid,) = target.facts
        process, terminate = siege.unit.process_folder(pid), invoke(pid, "Terminate")
        refused = [_ask(siege, terminate) for _ in range(3)]
        siege.expect(process.exists(), "a process was ended without a record")
        siege.expect(
            all(answer.status == 500 and b"the method was not run" in answer.body for answer in refused),
            f"Terminate was answered {[answer.status for answer in refused]}",
        )
        filler.unlink()
        siege.expect(_ask(siege, terminate).status == 200, "Terminate fails although there is room")
        # others log in meanwhile: their records are between the two of the method
        records = [json.loads(line) for line in (folder / "audit").read_text(encoding="utf-8").splitlines()]
        outcomes = [record["outcome"] for record in records if "Terminate" in record.get("method", "")]
        siege.expect(outcomes[-2:] == ["begun", "0"], f"records of Terminate: {outcomes[-2:]}")
    count = sum(FULL in line for line in siege.log())
    siege.expect(count <= 2, f"{count} lines of the log about it")
    return (
        f"logins went on; {len(refused)} Terminate refused, and the process lived; with room it was ended, and recorded"
    )


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(os.sysconf("SC_PAGE_SIZE")))


def _ask(siege: Siege, content: bytes) -> Answer:
    request = http_request(content, basic(ADMINISTRATOR))
    return ask(("127.0.0.1", siege.unit.tls_port), request, "127.150.0.1", trusting_nobody())
