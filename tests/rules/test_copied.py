"""What is copied from a document is the number that stands there."""

from pathlib import Path

import pytest

from loans.rules.copied import as_typed


@pytest.mark.parametrize(
    "text", ["ML0101\u200b2026", " ML01012026\n", "ML 0101 2026", "\ufeffML0101\u20602026", "ML0101\u00ad2026"]
)
def test_what_cannot_be_seen_in_a_number_means_nothing(text: str) -> None:
    assert as_typed(text) == "ML01012026"


def test_no_document_puts_anything_unseen_into_a_number() -> None:
    for source in Path("loans/typst").glob("*.typ"):
        assert "200b" not in source.read_text(encoding="utf-8"), source
