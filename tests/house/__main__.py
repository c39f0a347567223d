"""``python -m tests.house``: the figures as a table; ``--places`` lists the lines that count in them."""

import argparse
from collections.abc import Iterable, Iterator

from tests.house import comments, lambdas, names, patches, private_words
from tests.house.figures import Figure, figures
from tests.house.source_files import package_files, suite_files

_HEADINGS = ("measure", "best model", "budget", "today", "")


def table(rows: Iterable[Figure]) -> Iterator[str]:
    """Yield the lines of the table; the last column marks what misses its budget."""
    cells = [_HEADINGS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    for line in cells:
        measure, *rest = line
        columns = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([measure.ljust(widths[0]), *columns]).rstrip()


def places(folder: str = "src") -> Iterator[str]:
    """Yield lines that list names, lambdas, suppressions, private words and patches, of the files below a folder."""
    files = [file for file in package_files() if file.name.startswith(folder)]
    yield "names without a noun:"
    for file in files:
        if counts := names.nounless_names([file]):
            yield f"  {file.name}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common())
    yield "lambdas in functions:"
    yield from (f"  {place}" for place in lambdas.lambdas_in_functions(files))
    yield "modules that open with a question:"
    yield from (f"  {name}" for name in private_words.riddles(files))
    yield "private words:"
    yield from (f"  {place}" for place in private_words.private_words(files))
    pages = private_words.private_words_of_pages(private_words.pages())
    yield from (f"  {place}" for place in pages if place.startswith(folder))
    yield "lint suppressions: " + ", ".join(
        f"{codes} {count}" for codes, count in comments.suppressions(files).most_common()
    )
    yield "patches of own code in tests:"
    yield from (f"  {place}" for place in patches.patches(suite_files()) if place.startswith(folder))


def main() -> None:
    """Print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.house", description="Print the figures that the code is measured by."
    )
    parser.add_argument(
        "--places", nargs="?", const="", metavar="FOLDER", help="list the places, below a folder (src/logonscope/wql)"
    )
    args = parser.parse_args()
    print(*table(figures()), sep="\n")
    if args.places is not None:
        print("", *places(args.places), sep="\n")


def _cells(row: Figure) -> tuple[str, ...]:
    verdict = "" if row.is_within(row.budget) else "over" if not row.more_is_better else "under"
    return row.measure, row.best_model, f"{row.budget:g}", f"{row.today:.4g}", verdict


if __name__ == "__main__":
    main()
