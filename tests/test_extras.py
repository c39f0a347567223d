"""Tests of extras.py: the command that installs an extra names where this installation came from."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope.extras import install_command, requirement

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("direct_url", "arguments"),
    [
        (None, ["logonscope[server]"]),
        ('{"url": "file:///src/my%20scope", "dir_info": {}}', ["/src/my scope[server]"]),
        ('{"url": "file:///src", "dir_info": {"editable": true}}', ["--editable", "/src[server]"]),
        ('{"url": "file:///tmp/logonscope-1-py3-none-any.whl", "archive_info": {}}',
         ["/tmp/logonscope-1-py3-none-any.whl[server]"]),  # noqa: S108 -- a name
        ('{"url": "https://example.org/logonscope.tar.gz", "archive_info": {}}',
         ["logonscope[server] @ https://example.org/logonscope.tar.gz"]),
        ('{"url": "https://example.org/scope", "vcs_info": {"vcs": "git", "commit_id": "1f"}}',
         ["logonscope[server] @ git+https://example.org/scope@1f"]),
    ],
    ids=["index", "folder", "editable", "wheel", "archive", "git"],
)  # fmt: skip
def test_the_requirement_is_what_the_installer_noted(direct_url: str | None, arguments: list[str]) -> None:
    assert requirement("server", direct_url) == arguments


def test_the_command_installs_from_here_into_this_environment() -> None:
    words = shlex.split(install_command("kerberos"))
    assert words[-1] == f"{ROOT}[kerberos]"
    assert sys.executable in words


def test_sources_on_the_path_are_installed_from_their_checkout() -> None:
    program = "from logonscope.extras import install_command; print(install_command('server'))"
    words = [sys.executable, "-S", "-c", program]  # -S: without what is installed
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.defpath}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip("'\n").endswith(f"{ROOT}[server]")


def test_the_path_of_a_checkout_can_have_any_character(tmp_path: Path) -> None:
    checkout = tmp_path / "a%41#b?c d"
    shutil.copytree(ROOT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__"))
    program = "from logonscope.extras import install_command; print(install_command('server'))"
    words = [sys.executable, "-S", "-c", program]
    environment = {"PYTHONPATH": str(checkout / "src"), "PATH": os.defpath}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout)[-1] == f"{checkout}[server]"


def test_without_pip_it_is_uv_that_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    assert " uv pip install --python " in f" {install_command('server')}"


def test_where_the_user_may_not_write_it_takes_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    assert install_command("server").startswith("sudo ")
