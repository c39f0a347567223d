"""A login after its record is gone is described as before: a real one, its leader's end and the record's end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel import require_logins


@pytest.mark.parametrize(("service", "logon_type"), [("sshd", "3"), ("cron", "4")])
@pytest.mark.parametrize("has_events", [True, False])
def test_a_login_is_known_after_its_record_is_gone(
    tmp_path: Path,
    service: str,
    logon_type: str,
    has_events: bool,
) -> None:
    require_logins()
    socket = tmp_path / "socket"
    if not has_events:
        socket.touch()  # a helper that does not answer: logins are remembered all the same
    words = ["tests.sources.live.after_logout", service, str(socket), str(has_events)]
    argv = ["unshare", "--mount", sys.executable, "-m", *words]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    result = json.loads(done.stdout)
    assert result["single"] == "None"  # what a single look knows at the end
    before, after, forgotten = result["moments"]
    for described in (*after, *forgotten):
        assert {name: described[name] for name in ("logon_id", "remote_host", "service", "start", "guid")} == {
            name: before[0][name] for name in ("logon_id", "remote_host", "service", "start", "guid")
        }
        assert described["logon_id"] == result["kernel_id"]
        assert described["remote_host"] == "192.0.2.7"
        assert (described["state"], described["leftovers"]) == ("logged out", "1")
        if has_events or service == "cron":
            assert described["logon_type"] == logon_type
    assert [described["host_source"] for described in forgotten] == ["remembered", "remembered"]
