"""Tests of the committed bundle: it equals the result of the build. Without node, the hashes are compared."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from logonscope.faces import web
from tests.page.browser import FOLDER

BUNDLE = Path(web.FOLDER)


def hashes() -> dict[str, str]:
    lines = (BUNDLE / "bundle.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def test_the_sources_are_those_that_it_was_built_from() -> None:
    names = sorted([f"src/{path.name}" for path in (FOLDER / "src").iterdir()] + ["build.mjs", "package-lock.json"])
    data = b"".join(f"{name}\n".encode() + (FOLDER / name).read_bytes() + b"\n" for name in names)
    assert hashlib.sha256(data).hexdigest() == hashes()["sources"], "run `npm ci && npm run build` in page/"


def test_no_file_was_changed_by_hand() -> None:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in BUNDLE.glob("page.*")}
    assert files == {name: digest for name, digest in hashes().items() if name != "sources"}


def test_a_build_gives_the_same() -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").exists():
        return  # the hashes above are compared everywhere
    done = subprocess.run([node, "build.mjs", "--check"], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://"])
def test_the_sources_do_without(word: str) -> None:
    for path in (FOLDER / "src").glob("*.ts"):
        for line in path.read_text().splitlines():
            # In words, and in the name of a namespace of XML.
            if "/**" not in line and "www.w3.org" not in line:
                assert word not in line, path.name
