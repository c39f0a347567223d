"""Tests of faces/cli/completion.py: shells complete commands, options and file names."""

import argparse
import subprocess
from pathlib import Path

import pytest

from logonscope.faces.cli.parser import set_completion
from tests.conversation import reply


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_shell_gets_a_script_with_all_commands(shell: str) -> None:
    code, out, err = reply(["completion", shell])
    assert (code, err) == (0, "")
    assert all(word in out for word in ("leftovers", "whose", "host"))


def test_bash_completes_a_command(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(reply(["completion", "bash"])[1])
    asked = f"""source {script}
    COMP_WORDS=(logonscope wh); COMP_CWORD=1; COMP_LINE="logonscope wh"
    $(complete -p logonscope | sed 's/.*-F \\([^ ]*\\).*/\\1/') logonscope wh logonscope; echo "${{COMPREPLY[@]}}\""""
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "whose"


def test_marks_are_those_that_shtab_looks_for() -> None:
    action = argparse.ArgumentParser().add_argument("--user")
    set_completion(action, "users")
    assert vars(action)["complete"] == {"bash": "_logonscope_users", "zsh": "_users"}
    set_completion(action, "types")
    assert vars(action)["complete"] == {"bash": "_logonscope_types", "zsh": "_logonscope_types"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sessions --type Rem", "RemoteInteractive"),
        ("ps --state logg", "logged-out"),
        ("sessions --sort lef", "left"),
        ("ps --columns al", "all"),
        ("ps --columns comm", "command"),
        ("tree --user roo", "root"),
        ("sessions --no-sys", "--no-system"),
        ("whose --colo", "--color"),
        ("whose --color al", "always"),
        ("ps -o pi", "pids"),
        ("watch --exec bas", "bash"),
    ],
)
def test_bash_completes_options_and_their_values(words: str, expected: str, tmp_path: object) -> None:
    script = f"{tmp_path}/completion.bash"
    with open(script, "w", encoding="utf-8") as file:
        file.write(reply(["completion", "bash"])[1])
    typed = f"logonscope {words}".split()
    asked = f"""source {script}
    COMP_WORDS=({" ".join(typed)}); COMP_CWORD={len(typed) - 1}; COMP_LINE="{" ".join(typed)}"
    $(complete -p logonscope | sed 's/.*-F \\([^ ]*\\).*/\\1/') logonscope {typed[-1]} {typed[-2]}
    echo "${{COMPREPLY[@]}}\""""
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert expected in done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_all_is_a_word_of_columns_but_no_column_to_sort_by(shell: str) -> None:
    lines = reply(["completion", shell])[1].splitlines()
    for command in ("sessions", "ps", "leftovers", "classes", "history"):
        (columns,) = (line for line in lines if line.startswith(f"_logonscope_columns_{command}() "))
        (to_sort_by,) = (line for line in lines if line.startswith(f"_logonscope_sort_{command}() "))
        assert columns.replace(f"columns_{command}", f"sort_{command}").replace("all ", "", 1) == to_sort_by
