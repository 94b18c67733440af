"""Bots: the cases in which a bot took part beside those without one.

Belongs here: this one section. Does not belong here: who is a bot (docs/decisions/0022-who-replied.md), and what it looks like
(templates/bots.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.sections.common import FEW_CASES, SAME_POINTS, Section
from opsla_dagster.reporting.wording import MISSING

_TABLE = "mart.bot_involvement"


def bots(connection: duckdb.DuckDBPyConnection) -> Section | None:
    """Rates of reply and resolution with a bot and without one, source by source; None where no source has bots."""
    found = rows(connection, f"select * from {_TABLE} order by source, is_bot_involved desc", _TABLE)
    if not found:
        return None
    return Section(
        key="bots",
        title="Bots",
        tables=(_TABLE,),
        finding=_finding(found),
        how_to_read=(
            "Each row is a part of the source’s cases; rates are of all its cases, open ones too. The rows show who meets a bot as much as what "
            "the bot does: where it is given the easy cases, those without one are the hard ones."
        ),
        definition=(
            "A bot took part where the source says so, else where one replied. Replied by a person = at least one public reply that is no bot’s. "
            "Resolved = ended and not cancelled. Resolved by the bot = the source’s own word; a dash where it says it of no case."
        ),
        data={"rows": [_row(row, names_source=len({row["source"] for row in found}) > 1, tells=_tells(row, found)) for row in found]},
    )


def _tells(row: Row, found: Sequence[Row]) -> bool:
    """Whether the source says of any case that a bot resolved it."""
    return bool(row["is_bot_involved"]) and any(other["bot_resolved_cases"] for other in found if other["source"] == row["source"])


def _row(row: Row, *, names_source: bool, tells: bool) -> Mapping[str, Any]:
    return {
        "name": "With a bot" if row["is_bot_involved"] else "Without a bot",
        "source": row["source"] if names_source else "",
        "cases": wording.count(row["cases"]),
        "replied": wording.percent(row["replied_pct"], 1),
        "resolved": wording.percent(row["resolved_pct"], 1),
        "bot_resolved": wording.percent(row["bot_resolved_pct"], 1) if tells else MISSING,
        "css": "few" if row["cases"] < FEW_CASES else "",
    }


def _finding(found: Sequence[Row]) -> str:
    """Of the source with most cases: how many met a bot, and how the rates of resolution compare."""
    by_source: dict[str, dict[bool, Row]] = {}
    for row in found:
        by_source.setdefault(row["source"], {})[row["is_bot_involved"]] = row
    source = max(by_source, key=lambda name: (sum(row["cases"] for row in by_source[name].values()), name))
    having, without = by_source[source].get(True), by_source[source].get(False)
    if having is None:
        return f"No case of {source} had a bot."
    every = having["cases"] + (without["cases"] if without else 0)
    text = f"A bot took part in {wording.count(having['cases'])} of {wording.counted(every, 'case')}{f' of {source}' if len(by_source) > 1 else ''}"
    if having["bot_resolved_cases"]:
        text += f" and resolved {wording.count(having['bot_resolved_cases'])}"
    if without is None or min(having["cases"], without["cases"]) < FEW_CASES:
        return f"{text}."
    apart = having["resolved_pct"] - without["resolved_pct"]
    if abs(apart) < SAME_POINTS:
        return f"{text}; with and without one the same share of cases is resolved ({wording.percent(without['resolved_pct'], 1)})."
    return (
        f"{text}; of those with one {wording.percent(having['resolved_pct'], 1)} are resolved, of those without "
        f"{wording.percent(without['resolved_pct'], 1)}."
    )
