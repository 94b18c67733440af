"""Documents keep up with the product: generated ones are equal to a fresh copy, links lead somewhere, decisions have one form."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from house import CONFIG_FILES, MARKDOWN_FILES, MODULE_FILES, REPOSITORY, SQL_FILES, named

from opsla_dagster.catalog.dictionary import DICTIONARY_FILE, current_dictionary
from opsla_dagster.starting.examples import EXAMPLES, example_documents
from opsla_dagster.status import MEANINGS
from opsla_dagster.warehouse.lineage import LINEAGE_FILE, READS_FILE, lineage_json, reads_json

DECISIONS = sorted((REPOSITORY / "docs" / "decisions").glob("[0-9]*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
NUMBERED_LINK = re.compile(r"\[(\d{4})\]\(([^)\s]+)\)")
MENTION = re.compile(r"docs/[\w/.-]+\.md")


@pytest.mark.parametrize(
    ("path", "fresh"), [(DICTIONARY_FILE, current_dictionary), (LINEAGE_FILE, lineage_json), (READS_FILE, reads_json)], ids=["dictionary", "lineage", "reads"]
)
def test_generated_files_are_current(path: Path, fresh: Callable[[], str]) -> None:
    assert path.read_text(encoding="utf-8") == fresh(), f"{named(path)} is stale: make docs"


def test_the_statuses_of_a_log_are_explained_in_the_same_words() -> None:
    text = (REPOSITORY / "docs" / "add_a_source.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([A-Z_]+) \| (.*) \|$", text, re.MULTILINE) == list(MEANINGS.items())


def test_examples_of_accounts_are_what_opsla_init_writes() -> None:
    for directory, documents in example_documents().items():
        for name, text in documents.items():
            path = EXAMPLES / directory / name
            assert path.read_text(encoding="utf-8") == text, f"{named(path)} is stale: make docs"


def test_links_lead_to_files_of_the_repository() -> None:
    dead = [
        f"{named(path)} -> {target}"
        for path in MARKDOWN_FILES
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("#") and not (path.parent / target.split("#")[0]).exists()
    ]
    assert not dead, "\n".join(dead)


def test_a_link_that_is_called_by_a_number_leads_to_that_decision() -> None:
    wrong = [
        f"{named(path)}: [{number}]({target})"
        for path in MARKDOWN_FILES
        for number, target in NUMBERED_LINK.findall(path.read_text(encoding="utf-8"))
        if not Path(target).name.startswith(f"{number}-")
    ]
    assert not wrong, "\n".join(wrong)


def test_documents_that_are_mentioned_exist() -> None:
    others = [REPOSITORY / "Makefile", REPOSITORY / "pyproject.toml", REPOSITORY / "dagster.yaml"]
    dead = {
        f"{named(path)} -> {mention}"
        for path in [*MODULE_FILES, *SQL_FILES, *CONFIG_FILES, *MARKDOWN_FILES, *others]
        for mention in MENTION.findall(path.read_text(encoding="utf-8"))
        if not (REPOSITORY / mention).exists()
    }
    assert not dead, "\n".join(sorted(dead))


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_rule_alternatives_and_a_worked_case(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.name[:4]}\b", text), "the title begins with the number"
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    parts = [heading.split(":")[0] for heading in headings]
    assert {"Rule", "Alternatives", "Worked case"} <= set(parts)


def test_every_decision_is_in_the_index() -> None:
    index = (REPOSITORY / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [name for name in LINK.findall(index) if name[0].isdigit()] == [path.name for path in DECISIONS]
