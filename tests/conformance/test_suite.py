"""The conformance suite against the oracle: what was worked out by hand holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from conformance.compare import differences
from conformance.documents import CASES, KINDS, Document, read_document, read_documents
from conformance.oracle import judge

PATHS = sorted(CASES.glob("*.yml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_oracle_agrees_with_what_was_worked_out_by_hand(path: Path) -> None:
    document = read_document(path)
    found = differences(document, judge(document))
    assert not found, "\n".join(map(str, found))


def test_case_ids_are_unique_and_every_document_says_why() -> None:
    documents = read_documents()
    assert len(documents) >= 60
    assert all(document.why.strip() for document in documents)
