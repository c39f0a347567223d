"""The commands on the pages about clients, run against the server of the example host."""

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.clients.others import PLAIN, add_plain
from tests.server.running import ADMIN, RunningServer, running

FOLDER = Path(__file__).parents[2] / "docs/clients"
PYTHON = re.compile(r"^```python\n(.*?)^```.*?^```text\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = sorted(path for path in FOLDER.glob("*.md") if PYTHON.search(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def here(text: str, server: RunningServer) -> str:
    """Return a program of a page with the port of this server."""
    assert ADMIN == ("scanner", "correct horse")
    return text.replace("5985", str(server.http)).replace("ssl=False", f"ssl=False, port={server.http}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_program_prints_what_the_page_shows(
    server: RunningServer, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # pywinrm warns of them
        monkeypatch.delenv(name, raising=False)
    programs = PYTHON.findall(page.read_text(encoding="utf-8"))
    for program, shown in programs:
        out = io.StringIO()
        with redirect_stdout(out):
            exec(here(program, server), {})  # noqa: S102 -- our own page
        assert out.getvalue() == shown


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_commands_for_curl_are_answered(server: RunningServer) -> None:
    (command,) = re.findall(
        r"^```sh\n(.*?)^```", (FOLDER / "curl.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    answer = subprocess.run(["sh", "-c", here(command, server)], capture_output=True, text=True, check=True).stdout
    assert "<wsmid:ProductVendor>Logonscope</wsmid:ProductVendor>" in answer
    user = ":".join(ADMIN)
    for words in (["-u", user], ["--ntlm", "-u", f"CORP\\{user}"], ["--unix-socket", server.unix]):
        ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-d", "", *words, server.wsman]
        assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout == "200"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_authenticates_by_ntlm_over_tls_or_gets_the_reason(server: RunningServer) -> None:
    add_plain(server)
    url = f"https://localhost:{server.https}/wsman"
    ask = ["curl", "-s", "-w", "%{http_code}", "--cacert", server.certificate, "-X", "POST", "-d", "", "--ntlm"]
    for user, status in ((ADMIN, "200"), ((ADMIN[0], "wrong"), "401"), (PLAIN, "401"), (("nobody", "x"), "401")):
        command = [*ask, "-u", ":".join(user), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.endswith(status)
        assert (status == "200") is (said == "200")
        assert status == "200" or "NTLM is for users who were added with `logonscope user add --ntlm`" in said
    with running(channel_binding="required") as strict:
        command = [*ask, "-u", ":".join(ADMIN), f"https://localhost:{strict.https}/wsman"]
        command[command.index(server.certificate)] = strict.certificate
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.endswith("401")


def test_every_page_is_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in FOLDER.glob("*.md") if page.name != "README.md" and page.name not in index] == []
