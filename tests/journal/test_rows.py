"""Duration classes."""

from logonscope.journal.rows import duration_class


def test_a_class_is_the_logarithm_of_the_seconds() -> None:
    for kind in range(14):
        assert duration_class(1000 * 4**kind) == kind
        assert duration_class(1000 * 4 ** (kind + 1) - 1) == kind
    assert duration_class(999) is None
