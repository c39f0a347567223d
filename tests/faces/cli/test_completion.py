"""faces/cli/completion.py: do shells complete commands, options and file names?"""

import subprocess
from pathlib import Path

import pytest

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
