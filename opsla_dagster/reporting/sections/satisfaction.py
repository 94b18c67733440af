"""Satisfaction: how the customers rated their cases, all together and by what the case is.

Belongs here: this one section. Does not belong here: what counts as good (docs/decisions/0025-facts-of-a-case.md), and what it looks like
(templates/satisfaction.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.sections.common import FEW_CASES, Section, Table, heat, largest, order
from opsla_dagster.reporting.wording import MISSING

_TABLE = "mart.satisfaction"
#: In the order shown.
DIMENSIONS = ("queue", "priority", "channel", "tier")
#: Values of a dimension that are drawn; the table has the rest.
MOST_VALUES = 12
_NOTHING = {"figure": MISSING, "below": "", "css": "none"}


def satisfaction(connection: duckdb.DuckDBPyConnection) -> Section | None:
    """Shares of good ratings of each source, and by each attribute that has several values; None without a rated case."""
    found = rows(connection, f"select * from {_TABLE} order by source, dimension, dimension_value", _TABLE)
    overall = [row for row in found if row["dimension"] == "all"]
    if not overall:
        return None
    by_value = [row for row in found if row["dimension"] in _several_valued(found)]
    sources = [row["source"] for row in overall]
    return Section(
        key="satisfaction",
        title="Satisfaction",
        tables=(_TABLE,),
        finding=_finding(overall, by_value),
        how_to_read=(
            "Each cell is the share of rated cases that were rated good, with the rated cases below. The stronger the colour, the fewer: from "
            f"all good to the lowest share of any group. Grey cells are of fewer than {FEW_CASES} rated cases: mostly chance. Drawn are the "
            f"{MOST_VALUES} most rated groups; the table has more."
            if by_value else ""
        ),
        definition=(
            "Satisfied = rated good, of all rated cases; a case counts once, with its latest rating. Good and bad are the source’s own words; of "
            "ratings from 1 to 5, 4 and 5 are good, 3 is neither. Customers who did not rate are in no figure."
        ),
        data={
            "sources": [(row["source"] if len(sources) > 1 else "", _figures(row)) for row in overall],
            "panels": [_panel(name, by_value, sources) for name in DIMENSIONS if any(row["dimension"] == name for row in by_value)],
        },
        table=_table([*overall, *by_value]) if by_value else None,
    )


def _several_valued(found: Sequence[Row]) -> set[str]:
    values = {(row["dimension"], row["dimension_value"]) for row in found}
    return {name for name in DIMENSIONS if sum(dimension == name for dimension, _ in values) > 1}


def _finding(overall: Sequence[Row], by_value: Sequence[Row]) -> str:
    rated, good, bad = (sum(row[f"{what}_cases"] for row in overall) for what in ("rated", "good", "bad"))
    if rated < FEW_CASES:
        return f"{wording.sentence(wording.counted(rated, 'case'))} {'was' if rated == 1 else 'were'} rated, {wording.count(good)} of them good: too few to tell more than chance."
    text = f"Of {wording.counted(rated, 'rated case')} {wording.percent(100 * good / rated, 1)} were rated good and {wording.percent(100 * bad / rated, 1)} bad"
    telling = [row for row in by_value if row["rated_cases"] >= FEW_CASES]
    worst = min(telling, key=lambda row: (row["satisfaction_pct"], -row["rated_cases"], row["dimension"], row["dimension_value"]), default=None)
    if worst is None or worst["satisfaction_pct"] >= 100 * good / rated:
        return f"{text}."
    return (
        f"{text}; the least satisfied are those {_group(worst)}: {wording.percent(worst['satisfaction_pct'], 1)} of "
        f"{wording.counted(worst['rated_cases'], 'rated case')} good."
    )


def _figures(row: Row) -> list[tuple[str, str]]:
    neutral = row["rated_cases"] - row["good_cases"] - row["bad_cases"]
    return [
        ("Satisfied", wording.percent(row["satisfaction_pct"], 1)),
        ("Rated cases", wording.count(row["rated_cases"])),
        ("Good", wording.count(row["good_cases"])),
        *([("Neither", wording.count(neutral))] if neutral else []),
        ("Bad", wording.count(row["bad_cases"])),
        *([("Mean rating, 1 to 5", wording.decimal(row["rating_mean_number"], 2))] if row["rating_mean_number"] is not None else []),
    ]


def _panel(dimension: str, by_value: Sequence[Row], sources: Sequence[str]) -> Mapping[str, Any]:
    """One dimension: a row a value, a column a source."""
    values: dict[str, dict[str, Row]] = {}
    for row in by_value:
        if row["dimension"] == dimension:
            values.setdefault(row["dimension_value"], {})[row["source"]] = row
    ranked = sorted(values, key=lambda value: (-sum(row["rated_cases"] for row in values[value].values()), order(value)))
    lowest = min((row["satisfaction_pct"] for row in by_value if row["rated_cases"] >= FEW_CASES), default=100.0)
    shown = sorted(ranked[:MOST_VALUES], key=_reading_order)
    return {
        "heading": f"By {dimension}",
        "columns": list(sources) if len(sources) > 1 else ["Satisfied"],
        "rows": [(_value(dimension, value), [_cell(values[value].get(source), lowest) for source in sources]) for value in shown],
    }


def _reading_order(value: str) -> tuple[object, object]:
    return value == "none", order(value)


def _cell(row: Row | None, lowest: float) -> Mapping[str, Any]:
    if row is None:
        return _NOTHING
    css = heat(100.0 - row["satisfaction_pct"], 100.0 - lowest) if row["rated_cases"] >= FEW_CASES else "few"
    return {"figure": wording.percent(row["satisfaction_pct"], 1), "below": wording.count(row["rated_cases"]), "css": css}


def _value(dimension: str, value: str) -> str:
    if value == "none":
        return f"no {dimension}"
    return wording.tier(value) if dimension == "tier" else value


def _group(row: Row) -> str:
    """`of queue Billing`, `of Tier 3`, `without a channel`."""
    if row["dimension_value"] == "none":
        return f"without a {row['dimension']}"
    value = _value(row["dimension"], row["dimension_value"])
    return f"of {value}" if row["dimension"] == "tier" else f"of {row['dimension']} {value}"


def _table(found: Sequence[Row]) -> Table:
    shown, note = largest(found, lambda row: row["rated_cases"], _TABLE)
    has_mean = any(row["rating_mean_number"] is not None for row in found)
    return Table(
        head=["Source", "By", "Value", "Rated", "Good", "Bad", "Satisfied", *(["Mean rating"] if has_mean else [])],
        rows=[
            [
                row["source"], row["dimension"], _value(row["dimension"], row["dimension_value"]),
                *(wording.count(row[f"{what}_cases"]) for what in ("rated", "good", "bad")), wording.percent(row["satisfaction_pct"], 1),
                *([wording.decimal(row["rating_mean_number"], 2) if row["rating_mean_number"] is not None else MISSING] if has_mean else []),
            ]
            for row in shown
        ],
        names=3,
        note=note,
    )
