"""``python -m tests.house``: the figures as a table; ``--places`` says where the countable ones stand."""

import argparse
from collections.abc import Iterable, Iterator

from tests.house import comments, lambdas, names, patches
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


def places() -> Iterator[str]:
    """Yield lines that say where names, lambdas, suppressions and patches stand."""
    yield "names without a noun: " + ", ".join(
        f"{name} {count}" for name, count in names.nounless_names(package_files()).most_common()
    )
    per_file = ((names.nounless_names([file]).total(), file.name) for file in package_files())
    yield from (f"  {count:4} {name}" for count, name in sorted(per_file, reverse=True)[:20])
    yield "lambdas in functions:"
    yield from (f"  {place}" for place in lambdas.lambdas_in_functions(package_files()))
    yield "lint suppressions: " + ", ".join(
        f"{codes} {count}" for codes, count in comments.suppressions(package_files()).most_common()
    )
    yield "patches of own code in tests:"
    yield from (f"  {place}" for place in patches.patches(suite_files()))


def main() -> None:
    """Print."""
    parser = argparse.ArgumentParser(prog="python -m tests.house", description="How does the house stand?")
    parser.add_argument("--places", action="store_true", help="say where names, lambdas and the like stand")
    args = parser.parse_args()
    print(*table(figures()), sep="\n")
    if args.places:
        print("", *places(), sep="\n")


def _cells(row: Figure) -> tuple[str, ...]:
    verdict = "" if row.is_within(row.budget) else "over" if not row.more_is_better else "under"
    return row.measure, row.best_model, f"{row.budget:g}", f"{row.today:.4g}", verdict


if __name__ == "__main__":
    main()
