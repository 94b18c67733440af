"""Breaches by group and cause: breached clocks by what the case is, and by what took their time.

Belongs here: this one section, which is there for every desk. Does not belong here: what it looks like (templates/breaks.html.j2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.promises import SPOKEN_OF
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import FEW_CASES, Section, Table, heat, largest, order
from opsla_dagster.reporting.wording import MISSING

#: What a case is, in the order shown; what sources.yml names as dimensions comes after them.
DIMENSIONS = ("priority", "tier", "queue", "region", "channel", "brand")
#: What took the time of a breached clock: (dimension, heading).
CAUSES = (
    ("root_cause_stage", "Root cause: the stage furthest beyond its peers"),
    ("root_cause_owner", "Root cause: the owner of that stage (agent, else team)"),
)
#: Breaches that no cause is known of, so that the causes add up to all of a promise: those that stopped, and those that are still open.
_UNKNOWN = {"root_cause_stage": "no stage known", "root_cause_owner": "nobody known"}
_NOT_YET = "still open, no cause yet"
#: Rows of a picture; the table holds the rest.
MOST_VALUES, MOST_CAUSES = 12, 5
_NOTHING = {"figure": MISSING, "below": "", "css": "none"}

_LAST_QUEUE = "By the queue that had the case last"
# Policies are summed up: which of them a case has often follows from the very dimension that is looked at.
_CLOCKS = f"""
    select
        metric, dimension, dimension_value,
        cast(sum(met_clocks) as bigint) as met_clocks,
        cast(sum(breached_clocks) as bigint) as breached_clocks,
        cast(sum(open_breached_clocks) as bigint) as open_breached_clocks,
        cast(sum(met_clocks + breached_clocks + open_breached_clocks) as bigint) as judged_clocks,
        cast(sum(breached_clocks + open_breached_clocks) as bigint) as all_breached_clocks
    from mart.sla_overview
    where {SPOKEN_OF} and list_contains(?, metric)
    group by metric, dimension, dimension_value
    having judged_clocks > 0
    order by metric, dimension, dimension_value
"""


def breaks(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Shares of breached clocks by each attribute that has several values, and the root causes of those that stopped.

    None without either. Of the promises that the desk is held to, as the headline has them.
    """
    section = partial(Section, key="breaks", title="Breaches by group and cause", tables=("mart.sla_overview",))
    titles = headline.titles()
    found = rows(connection, _CLOCKS, "mart.sla_overview", parameters=[list(titles)])
    dimensions = _dimensions(found)
    several_valued = _several_valued(found, dimensions)
    by_value = [row for row in found if row["dimension"] in several_valued]
    overall = {row["metric"]: row for row in found if row["dimension"] == "all"}
    causes = [row for row in found if row["dimension"] in dict(CAUSES)]
    causes += _without_cause(causes, overall)
    if not by_value and not causes:
        return None
    rate_cell = partial(_rate_cell, highest=_highest(by_value))
    cause_cell = partial(_cause_cell, breaches={metric: row["all_breached_clocks"] for metric, row in overall.items()})
    return section(
        finding=_finding(by_value, titles),
        how_to_read=(
            "Each cell is the share of breached clocks, above the number of clocks with a verdict; under root cause, the number of breached clocks put "
            "down to the stage or owner, above their share of all breaches of the promise. The stronger the colour, the higher the share: for each promise from 0 to its maximum in any "
            f"group, for root causes from 0 to 100%. Grey cells have fewer than {FEW_CASES} clocks: mostly chance. Only the {MOST_VALUES} largest "
            f"groups and the {MOST_CAUSES} most frequent root causes are drawn, the other causes as one row; the table has more."
        ),
        definition=(
            "A case counts for the queue that had it last, also where another one let the promise break: that is told by the owners under root cause, and by the error budget of each queue. "
            "Breached includes clocks that are still open past their target. Only clocks that have stopped have a root cause: the status in which the "
            "case exceeded the median of its peers by most, and the agent (else the team) that held it for most of that time. Where no source tells who held it then, nobody is known."
        ),
        data={
            "panels": [
                *(_panel(_LAST_QUEUE if name == "queue" else f"By {wording.name(name)}", _largest(by_value, name), titles, rate_cell) for name in dimensions),
                *(_panel(heading, _most_frequent(causes, name), titles, cause_cell) for name, heading in CAUSES),
            ]
        },
        table=_table([*by_value, *causes], titles),
    )


def _dimensions(found: Sequence[Row]) -> list[str]:
    """The dimensions that a desk has: the usual ones, then those of sources.yml by name."""
    named = {row["dimension"] for row in found} - {"all", *DIMENSIONS, *dict(CAUSES)}
    return [*DIMENSIONS, *sorted(named)]


def _without_cause(causes: Sequence[Row], overall: Mapping[str, Row]) -> list[Row]:
    """For each kind of cause that is known of any breach, the breaches of each promise that it is not known of."""
    known: Counter[tuple[str, str]] = Counter()
    for row in causes:
        known[row["dimension"], row["metric"]] += row["breached_clocks"]
    return [
        _breaches(row["metric"], dimension, words, stopped=stopped, still_open=still_open)
        for dimension in sorted({row["dimension"] for row in causes})
        for row in overall.values()
        for words, stopped, still_open in (
            (_UNKNOWN[dimension], row["breached_clocks"] - known[dimension, row["metric"]], 0),
            (_NOT_YET, 0, row["open_breached_clocks"]),
        )
        if stopped + still_open
    ]


def _breaches(metric: str, dimension: str, words: str, *, stopped: int, still_open: int = 0) -> Row:
    """A row of breaches that have no value of the dimension, but `words`."""
    return {
        "metric": metric, "dimension": dimension, "dimension_value": None, "words": words, "met_clocks": 0, "breached_clocks": stopped,
        "open_breached_clocks": still_open, "judged_clocks": stopped + still_open, "all_breached_clocks": stopped + still_open,
    }


def _several_valued(found: Sequence[Row], dimensions: Sequence[str]) -> set[str]:
    values = Counter(dimension for dimension, _ in {(row["dimension"], row["dimension_value"]) for row in found})
    return {name for name in dimensions if values[name] > 1}


def _finding(by_value: Sequence[Row], titles: Mapping[str, str]) -> str:
    telling = [row for row in by_value if row["judged_clocks"] >= FEW_CASES]
    if not telling:
        return "Too few clocks have a verdict to tell groups of cases apart; shares of a few clocks are mostly chance."
    worst = max(telling, key=_breached_pct)
    if not worst["all_breached_clocks"]:
        return "No clock is breached in any group of cases."
    return (
        f"“{_title(worst, titles)}” is breached most often for {_group(worst)}: {wording.percent(_breached_pct(worst), 1)} "
        f"of {wording.counted(worst['judged_clocks'], 'clock')}."
    )


def _panel(
    heading: str, values: Sequence[Sequence[Row]], titles: Mapping[str, str], cell: Callable[[Row], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """One dimension: a row a value, a column a metric; without rows where there is nothing to say."""
    columns = [metric for metric in titles if any(row["metric"] == metric for of_value in values for row in of_value)]
    return {
        "heading": heading,
        "columns": [titles[metric] for metric in columns],
        "rows": [(_value(of_value[0]), list(_cells(of_value, columns, cell))) for of_value in values],
    }


def _cells(
    of_value: Sequence[Row], columns: Sequence[str], cell: Callable[[Row], Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    by_metric = {row["metric"]: row for row in of_value}
    for metric in columns:
        yield cell(by_metric[metric]) if metric in by_metric else _NOTHING


def _ranked(found: Sequence[Row], dimension: str) -> list[list[Row]]:
    """The rows of each value of a dimension, those of most clocks first."""
    values: dict[str, list[Row]] = {}
    for row in found:
        if row["dimension"] == dimension:
            values.setdefault(row["dimension_value"], []).append(row)
    return sorted(values.values(), key=lambda of_value: (-sum(row["judged_clocks"] for row in of_value), _in_order(of_value)))


def _in_order(of_value: Sequence[Row]) -> tuple[bool, list[tuple[int, str]]]:
    return order(of_value[0]["dimension_value"])


def _largest(found: Sequence[Row], dimension: str) -> list[list[Row]]:
    """The largest groups of cases in reading order."""
    return sorted(_ranked(found, dimension)[:MOST_VALUES], key=_in_order)


def _most_frequent(causes: Sequence[Row], dimension: str) -> list[list[Row]]:
    """The most frequent causes, then what is left of the breaches: the other causes as one, and what has none."""
    ranked = _ranked([row for row in causes if row["dimension_value"] is not None], dimension)
    drawn, others = ranked[:MOST_CAUSES], ranked[MOST_CAUSES:]
    left: Counter[str] = Counter()
    for row in (row for of_value in others for row in of_value):
        left[row["metric"]] += row["breached_clocks"]
    other_rows = [_breaches(metric, dimension, wording.counted(len(others), "other"), stopped=count) for metric, count in left.items()]
    without = [[row for row in causes if row["dimension"] == dimension and row.get("words") == words] for words in (_UNKNOWN[dimension], _NOT_YET)]
    return [*drawn, *(rows_of for rows_of in (other_rows, *without) if rows_of)]


def _highest(by_value: Sequence[Row]) -> dict[str, float]:
    """Metric -> the largest share of breached clocks of any group that is not all chance: panels side by side have one scale."""
    highest: dict[str, float] = {}
    for row in by_value:
        if row["judged_clocks"] >= FEW_CASES:
            highest[row["metric"]] = max(highest.get(row["metric"], 0.0), _breached_pct(row))
    return highest


def _rate_cell(row: Row, highest: Mapping[str, float]) -> Mapping[str, Any]:
    return {
        "figure": wording.percent(_breached_pct(row), 1),
        "below": wording.count(row["judged_clocks"]),
        "css": heat(_breached_pct(row), highest[row["metric"]]) if row["judged_clocks"] >= FEW_CASES else "few",
    }


def _cause_cell(row: Row, breaches: Mapping[str, int]) -> Mapping[str, Any]:
    of_promise = breaches[row["metric"]]
    share = 100.0 * row["all_breached_clocks"] / of_promise
    return {
        "figure": wording.count(row["all_breached_clocks"]),
        "below": wording.percent(share, 0),
        "css": heat(share, 100.0) if of_promise >= FEW_CASES else "few",
    }


def _breached_pct(row: Row) -> float:
    return 100.0 * float(row["all_breached_clocks"]) / float(row["judged_clocks"])


def _title(row: Row, titles: Mapping[str, str]) -> str:
    return titles.get(row["metric"]) or wording.name(row["metric"])


def _value(row: Row) -> str:
    """The value in words: a status as one, and what the source leaves open as such."""
    if row["dimension_value"] is None:
        return str(row["words"])
    value: str = row["dimension_value"]
    if row["dimension"] == "root_cause_stage":
        return wording.name(value).lower()
    if value == "none":
        return f"no {wording.name(row['dimension'])}"
    return wording.tier(value) if row["dimension"] == "tier" else value


def _group(row: Row) -> str:
    """`queue Billing`, `Tier 3`, `no region`."""
    is_named_so = row["dimension"] == "tier" or row["dimension_value"] == "none"
    return _value(row) if is_named_so else f"{wording.name(row['dimension'])} {_value(row)}"


def _table(found: Sequence[Row], titles: Mapping[str, str]) -> Table:
    places = {name: number for number, name in enumerate((*_dimensions(found), *dict(CAUSES)))}
    ordered = sorted(found, key=lambda row: (places[row["dimension"]], order(row["dimension_value"]), row["metric"]))
    shown, note = largest(ordered, lambda row: row["judged_clocks"], "mart.sla_overview")
    return Table(
        head=["By", "Value", "Promise", "With a verdict", "Met", "Breached", "Of these open"],
        rows=[
            [
                wording.name(row["dimension"]), _value(row), _title(row, titles),
                *(wording.count(row[f"{what}_clocks"]) for what in ("judged", "met", "all_breached", "open_breached")),
            ]
            for row in shown
        ],
        names=3,
        note=note,
    )
