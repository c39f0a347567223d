"""Tests of tests/fresh/readme.py: finding the commands that README has for a new user."""

import pytest

from tests.fresh import __main__ as fresh
from tests.fresh.readme import Commands, block_with, shell_blocks

PAGE = """# Title

## One

```sh
first
```

```console
$ shown
```

## Two

```sh
second
third
```
"""


def test_blocks_of_a_shell_are_found_under_their_headings() -> None:
    assert shell_blocks(PAGE) == [Commands("One", "first\n"), Commands("Two", "second\nthird\n")]


@pytest.mark.parametrize(("heading", "words"), [("One", "third"), ("Three", ""), ("One", "shown")])
def test_a_block_that_is_not_there_is_an_error(heading: str, words: str) -> None:
    with pytest.raises(LookupError, match="0 blocks of commands under"):
        block_with(PAGE, heading, words)


def test_two_blocks_that_fit_are_an_error() -> None:
    with pytest.raises(LookupError, match="2 blocks"):
        block_with(PAGE.replace("## Two\n", ""), "One", "")


def test_readme_has_the_commands_that_are_tried() -> None:
    assert [text.split()[0] for text in (fresh.TRY, fresh.TEST, fresh.SERVE, fresh.ASK)] == [
        "python3", "make", ".venv/bin/pip", ".venv/bin/logonscope",
    ]  # fmt: skip
    assert ("sudo" in fresh.SERVE, fresh.SERVE.count("--users my-users")) == (False, 2)
