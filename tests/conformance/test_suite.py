"""The hand-worked cases against the oracle, and what every document must be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conformance.compare import differences
from conformance.documents import CASES, HERE, dump_document, parse_document, read_document, read_documents
from conformance.generator import draw_document
from conformance.oracle import judge

PATHS = sorted(CASES.glob("*.yml"))
#: The only modules that know the product.
ADAPTERS = {"engine", "campaign"}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_oracle_agrees_with_what_was_worked_out_by_hand(path: Path) -> None:
    document = read_document(path)
    found = differences(document, judge(document))
    assert not found, "\n".join(map(str, found))


def test_case_ids_are_unique_and_every_document_says_why() -> None:
    documents = read_documents()
    assert len(documents) >= 60
    assert all(document.why.strip() for document in documents)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_worked_seconds_add_up(path: Path) -> None:
    document = read_document(path)
    for row in document.expected:
        if row.get("seconds") and "started_at" in row and "stopped_at" in row:
            end = document.as_of if row["stopped_at"] is None else row["stopped_at"]
            assert sum(row["seconds"].values()) == end - row["started_at"], row


def test_the_oracle_shares_no_code_with_the_product() -> None:
    for path in HERE.glob("*.py"):
        if path.stem in ADAPTERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong = [name for name in names if name.split(".")[0] == "opsla_dagster" or name in {f"conformance.{own}" for own in ADAPTERS}]
            assert not wrong, f"{path.name} imports {wrong}"
    code = "import sys, conformance.oracle, conformance.compare, conformance.generator; print([n for n in sys.modules if n.startswith('opsla')])"
    told = subprocess.run([sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_random_document_can_be_written_down_and_read_again() -> None:
    document = draw_document(5, cases=20)
    again = parse_document(yaml.safe_load(dump_document(document)))
    assert judge(again) == judge(document)
    assert draw_document(5, cases=20) == document
