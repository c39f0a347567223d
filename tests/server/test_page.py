"""Tests of server/page.py: the document, its headers, and the hashes by which its program may run."""

import base64
import gzip
import hashlib
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.faces import web
from logonscope.server.page import load_page
from tests.server.running import RunningServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def get(server: RunningServer, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.http}/", headers=headers)
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def test_the_policy_names_the_program_and_the_styles_by_their_hashes(server: RunningServer) -> None:
    status, headers, body = get(server)
    policy, text = headers["content-security-policy"], body.decode()
    assert status == 200
    for name, directive in (("script", "script-src"), ("style", "style-src")):
        blocks = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert len(blocks) == 1, "more would be blocked"
        digest = base64.b64encode(hashlib.sha256(blocks[0].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    for part in (
        "default-src 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "form-action 'none'",
    ):
        assert part in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", text.partition("<style>")[0])


def test_it_is_compressed_and_cached(server: RunningServer) -> None:
    _, plain_headers, body = get(server)
    _, headers, compressed = get(server, **{"Accept-Encoding": "gzip, br"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(compressed) == body
    assert len(compressed) < 250_000
    with pytest.raises(urllib.error.HTTPError, match="304"):
        get(server, **{"If-None-Match": plain_headers["etag"]})


def test_nothing_of_the_host_is_in_it(server: RunningServer) -> None:
    _, _, body = get(server)
    assert body == load_page(web.FOLDER).document
    assert b"web1" not in body


def test_a_page_has_what_its_folder_has(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text("'{braces} & <'")
    (tmp_path / "page.css").write_text("a{b:c}")
    document = load_page(str(tmp_path)).document.decode()
    assert "<script>'{braces} & <'</script>" in document
    assert "<style>a{b:c}</style>" in document
