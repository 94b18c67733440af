"""Names say what rows are, in the terms of the field: those of docs/glossary.md, not words that only their author can place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import MODULE_FILES, REPOSITORY, SQL_FILES, module_tree, named, parsed
from sqlglot import exp

GLOSSARY = REPOSITORY / "docs" / "glossary.md"

#: As the last word of a CTE's name they say what was done to rows, and not what the rows are: `judged_clocks`, not `judged`.
NO_NOUNS = frozenset({
    "added_up", "added", "affected", "announced", "answered", "at_once", "attributed", "blamed", "bordered", "bounded",
    "broken", "breached", "caused", "chosen", "clean", "clipped", "compared", "constant", "counted", "dated", "deduped",
    "divided", "ended", "everyone", "first_met", "fresh", "heard", "held", "in_force", "in_order", "joined", "judged",
    "kept", "known", "lasting", "latest", "listened", "loaded", "located", "logged", "looks", "marks", "matched", "measured",
    "met", "named", "numbered", "opened", "ordered", "ours", "overlapping", "paired", "pieces", "place", "promised",
    "ranked", "rated", "rejected", "repeated", "reworked", "scoped", "shortened", "sides", "standing", "still_open",
    "tellings", "theirs", "through", "told", "touch", "touched", "walked", "witnessed",
})
#: Private poetry for what has a word of its own, as a word of any CTE or function; and that word.
SAY = {
    "tellings": "changes or events", "looks": "watermarks or refreshes", "heard": "received", "listened": "received", "bordered": "adjacent", "stretches": "spans",
    "pieces": "parts or spans", "witnessed": "checked",
}
#: What people look for, in this field's words; docs/glossary.md explains each.
TERMS = (
    "agent", "as_of", "attainment", "attribute", "backfill", "backlog", "breach", "bucket", "business time", "calendar", "calendar time", "canonical status",
    "case", "case attributes", "check", "clock", "clock window", "congestion", "cycle", "deduplication", "due", "effective agents", "event", "first reply",
    "first touch", "freshness", "golden test", "headline", "home", "horizon", "intake date", "late-arriving event", "lineage", "lookback", "message",
    "metric", "migration", "milestone", "owner", "partition", "pause", "policy", "portable SQL", "promise", "quality gate", "reject", "refresh", "reopen",
    "rerun", "resolution", "retention", "retry", "root cause", "run", "scenario", "signal", "SLA", "SLA case", "source", "span", "stage", "stint", "superseded",
    "target", "terminal status", "tier", "unknown", "verdict", "warehouse", "watermark", "window",
)


def ctes(sql: str) -> Iterator[str]:
    yield from (cte.alias for cte in parsed(sql).find_all(exp.CTE))


def wrong_cte_names(sql: str) -> list[str]:
    return [f"CTE {name}: {advice}" for name in ctes(sql) for advice in _advice(name)]


def _advice(name: str) -> Iterator[str]:
    if name in NO_NOUNS or (name.rsplit("_", 1)[-1] in NO_NOUNS and "_" in name):
        yield "end its name with what its rows are"
    yield from (f"say {SAY[word]}" for word in name.split("_") if word in SAY)


def functions(path: Path) -> Iterator[str]:
    yield from (node.name for node in ast.walk(module_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_ctes_are_called_what_their_rows_are() -> None:
    offences = [f"{named(path)}: {offence}" for path in SQL_FILES for offence in wrong_cte_names(path.read_text(encoding="utf-8"))]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("name", ["told", "judged", "cases_met", "first_met", "in_order", "tellings", "agent_stretches", "listened", "looks", "witnessed", "named", "lasting"])
def test_a_word_that_only_its_author_can_place_is_seen(name: str) -> None:
    assert wrong_cte_names(f"with {name} as (select 1 as a) select a from {name}")


@pytest.mark.parametrize("name", ["judged_clocks", "cases", "named_scenarios", "status_spans", "backlog", "staffing", "ends", "first_starts"])
def test_a_noun_is_let_through(name: str) -> None:
    assert not wrong_cte_names(f"with {name} as (select 1 as a) select a from {name}")


def test_functions_use_the_words_of_the_field() -> None:
    offences = [f"{named(path)}: {name}: say {SAY[word]}" for path in MODULE_FILES for name in functions(path) for word in name.split("_") if word in SAY]
    assert not offences, "\n".join(offences)


def glossary() -> dict[str, str]:
    """Term -> what it means."""
    return dict(re.findall(r"^- \*\*(.+?)\*\*: (.+)$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE))


def test_what_people_look_for_is_in_the_glossary() -> None:
    assert sorted(glossary(), key=str.lower) == list(glossary()), "terms stand in alphabetical order"
    assert not set(TERMS) - set(glossary())


def test_what_the_glossary_calls_a_column_or_table_is_one() -> None:
    from opsla_dagster.catalog import TABLES

    known = {*TABLES, *(column.name for table in TABLES.values() for column in table.columns), *(word for table in TABLES for word in table.split("."))}
    mentioned = set(re.findall(r"`((?:raw|staging|mart|ops)\.\w+|\w+_(?:at|date|ts))`", GLOSSARY.read_text(encoding="utf-8")))
    assert mentioned - known == set()
