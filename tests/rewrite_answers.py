"""``python -m tests.rewrite_answers``: write the present answers into the files that tests compare answers with.

An intended change, such as a new class, changes answers of commands (tests/faces/cli/conversations/) and of queries
(tests/broker/queries/). Read the changes with ``git diff`` before you commit them: whatever is written is expected from
then on.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import example
from tests.broker import asked_in_wql
from tests.conversation import answer, turns
from tests.environment import environment
from tests.hosts import ROOT
from tests.providers.asked import seen

FOLDER = Path(__file__).parent
CONVERSATIONS = FOLDER / "faces/cli/conversations"
QUERIES = FOLDER / "broker/queries"


def present_conversation(text: str, host: str) -> str:
    """Return a conversation with the present answers."""
    blocks = (f"$ logonscope {turn.typed}".rstrip() + f"\n{answer(turn.typed, host)}".rstrip() for turn in turns(text))
    return "\n\n".join(blocks) + "\n"


def present_queries(text: str) -> str:
    """Return a file of queries with the present answers; the text of each query stays as it is written."""
    host, parts = seen(example.snapshot(), ROOT), text.strip().split("\n\n")
    questions = ["\n".join(line for line in part.splitlines() if line.startswith("? ")) for part in parts]
    answers = [asked_in_wql.answer(host, query) for query in asked_in_wql.asked(text)]
    return "\n\n".join("\n".join([question, *lines]) for question, lines in zip(questions, answers, strict=True)) + "\n"


def present_files() -> Iterator[tuple[Path, str]]:
    """Yield each file with the text that it has with the present answers."""
    with environment(COLUMNS="80"), tempfile.TemporaryDirectory() as folder:
        host = example.recording(Path(folder))
        for path in sorted(CONVERSATIONS.glob("*.txt")):
            yield path, present_conversation(path.read_text(encoding="utf-8"), host)
        for path in sorted(QUERIES.glob("*.txt")):
            yield path, present_queries(path.read_text(encoding="utf-8"))


def main() -> None:
    """Write the files whose answers have changed, and print their names."""
    for path, text in present_files():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(FOLDER.parent))


if __name__ == "__main__":
    main()
