"""The figures by which the code is measured, each with that of the best model (another project) and our budget."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tests.house import comments, docstrings, imports, lambdas, names, patches, private_words, sizes
from tests.house.source_files import package_files, suite_files


class Figure(NamedTuple):
    """One measure: its figure today, our budget, and the figure of the best model."""

    measure: str
    best_model: str
    budget: float
    today: float
    more_is_better: bool = False

    def is_within(self, limit: float) -> bool:
        """Return whether today's figure is no worse than a limit, to the two digits that are shown."""
        difference = round(self.today - limit, 2)
        return difference >= 0 if self.more_is_better else difference <= 0


@lru_cache(1)
def figures() -> tuple[Figure, ...]:
    """Measure everything."""
    return (*_sizes(), *_documentation(), *_code())


def _sizes() -> Iterator[Figure]:
    files = package_files()
    lines, bodies = sizes.file_lines(files), sizes.function_lines(files)
    yield Figure("lines of a source file, median", "113", 180, lines.median)
    yield Figure("lines of a source file, 90th percentile", "408", 450, lines.p90)
    yield Figure("lines of a source file, maximum", "816", 600, lines.maximum)
    yield Figure("lines of a function body, median", "4", 6, bodies.median)
    yield Figure("lines of a function body, 90th percentile", "20", 22, bodies.p90)
    yield Figure("lines of a function body, maximum", "58", 60, bodies.maximum)


def _documentation() -> Iterator[Figure]:
    files = package_files()
    yield Figure("module docstrings, %", "100", 100, docstrings.module_docstrings(files), more_is_better=True)
    yield Figure("public API with docstrings, %", "81", 100, docstrings.api_docstrings(), more_is_better=True)
    yield Figure("modules that open with a question", "0", 0, len(private_words.riddles(files)))
    yield Figure("private words in code", "-", 0, len(private_words.private_words(files)))
    yield Figure("private words in pages", "-", 0, len(private_words.private_words_of_pages(private_words.pages())))
    # a budget in words, "wherever a body is hard": the number is the least of the models'
    per_100 = comments.own_line_comments_per_100(files)
    yield Figure("own-line comments per 100 lines", "1.9 to 8.2", 1.9, per_100, more_is_better=True)


def _code() -> Iterator[Figure]:
    files = package_files()
    yield Figure("import cycles", "0", 0, len(imports.import_cycles()))
    yield Figure("type ignores per 1,000 lines", "0.2", 1, comments.type_ignores_per_1000(files))
    yield Figure("patches of own code in tests", "0", 0, len(patches.patches(suite_files())))
    yield Figure("lambdas outside tables per 1,000 lines", "0 to 2", 1, lambdas.lambdas_per_1000(files))
    yield Figure("names without a noun per 1,000 lines", "0.4 to 5", 5, names.nounless_per_1000(files))
    yield Figure("lint suppressions per 1,000 lines", "0 to 1", 2, comments.suppressions_per_1000(files))
