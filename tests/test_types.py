"""Tests of the types: a user's program passes the strict checkers, and a mistake in it is reported."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import logonscope
from tests.lab.fixtures import skip_or_fail

PACKAGE = Path(logonscope.__file__).parent
CONSUMER = Path(__file__).with_name("consumer.py")

MISTAKES = (
    'for cls in host.query_classes("SELECT * FROM meta_class"): cls.Handle',
    "host.query(5)",
    "host.sessions()[0].logon_typ",
    'names: list[str] = host.query("SELECT * FROM Win32_Process")',
)
"""Lines that are wrong."""


def mypy(file: Path) -> subprocess.CompletedProcess[str]:
    """Check a file with mypy, with no configuration but ``--strict``."""
    # Errors in the package stay silent, as they are in an installed one: an extra that is missing, for example.
    options = ["--strict", "--config-file=", "--follow-imports=silent", "--cache-dir", str(file.parent / "cache")]
    environment = os.environ | {"MYPYPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-m", "mypy", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=file.parent, env=environment)


def pyright(file: Path) -> subprocess.CompletedProcess[str]:
    """Check a file with pyright in its strict mode."""
    file.write_text(f"# pyright: strict\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    config = f'{{"extraPaths": ["{PACKAGE.parent}"], "include": ["{file.name}"]}}'
    (file.parent / "pyrightconfig.json").write_text(config, encoding="utf-8")
    command = ["pyright", "--pythonpath", sys.executable, "--project", str(file.parent)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=file.parent)


@pytest.fixture(params=[mypy, *([pyright] if shutil.which("pyright") else [])], ids=lambda check: check.__name__)
def check(request: pytest.FixtureRequest) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Return each checker: mypy, which the tests require, and pyright where a user has installed it."""
    if importlib.util.find_spec("mypy") is None:
        skip_or_fail("mypy is not installed")
    checker: Callable[[Path], subprocess.CompletedProcess[str]] = request.param
    return checker


def test_a_strictly_typed_program_passes_and_mistakes_do_not(
    check: Callable[[Path], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    program = tmp_path / "consumer.py"
    shutil.copy(CONSUMER, program)
    passed = check(program)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    head = "import logonscope\n\nhost = logonscope.connect()\n"
    program.write_text(head + "\n".join(MISTAKES), encoding="utf-8")
    refused = check(program)
    errors = [line for line in refused.stdout.splitlines() if "error" in line and program.name in line]
    for line, _ in enumerate(MISTAKES, len(head.splitlines()) + 1 + (check is pyright)):
        assert any(f"{program.name}:{line}:" in error for error in errors), refused.stdout


def test_the_package_says_that_it_has_types() -> None:
    assert (PACKAGE / "py.typed").exists()
