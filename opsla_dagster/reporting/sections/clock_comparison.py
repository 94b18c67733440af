"""Verdicts clock by clock: how the source's own verdicts and times compare with opsla's clocks, and why they differ.

Belongs here: this one section, the ways of comparing in words. Does not belong here: comparing (sql/staging/agreement/source_clock_comparison.sql), and
what it looks like (templates/clock-comparison.html.j2).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.comparisons import WAYS, way
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import MOST_TABLE_ROWS, Section, Table

_TABLE, _EXAMPLES = "mart.source_clock_comparison", "mart.source_clock_examples"
#: Metrics drawn, those of most verdicts first; the table has the rest.
MOST_METRICS = 12
#: Ways in which both sides say something.
_COMPARED = ("agrees", "whole_minutes", "time_differs", "verdict_differs")
_SAME = ("agrees", "whole_minutes")


def clock_comparison(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """How every verdict of the sources compares with our clock for the same case, metric and cycle; None without such verdicts."""
    found = rows(connection, f"select * from {_TABLE} order by source, metric, comparison", _TABLE)
    if not found:
        return None
    titles = headline.titles()
    examples = rows(connection, f"select * from {_EXAMPLES} order by source, metric, comparison, example_number", _EXAMPLES)
    groups = _groups(found)
    ranked = sorted(groups, key=lambda group: (-sum(row["verdicts"] for row in groups[group]), group))
    drawn = [group for group in groups if group in ranked[:MOST_METRICS]]
    section = partial(Section, key="clock-comparison", title="Verdicts clock by clock", tables=(_TABLE, _EXAMPLES))
    return section(
        finding=_finding(found),
        how_to_read=(
            "Each verdict of the source stands beside our clock for the same case, metric and cycle. Up to three cases of each kind, the "
            "largest differences first; the command tells one event by event, with the source’s verdict."
        ),
        definition=(
            "Ours is the clock by the source’s own promise where it brings one, else by the policy in force. Time is open time of the "
            "calendar that the promise counts on; a difference is ours less the source’s."
        ),
        data={"groups": [_group(group, groups[group], examples, titles, names_source=len({source for source, _ in groups}) > 1) for group in drawn]},
        table=_table(found, titles),
    )


def _groups(found: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        groups.setdefault((row["source"], row["metric"]), []).append(row)
    return groups


def _finding(found: Sequence[Row]) -> str:
    compared = sum(row["verdicts"] for row in found if row["comparison"] in _COMPARED)
    everything = sum(row["verdicts"] for row in found)
    if not compared:
        return (
            f"None of the source’s {wording.counted(everything, 'verdict')} can be compared with a clock of opsla, so whether the two agree is unknown."
            if everything != 1 else "The source’s only verdict cannot be compared with any clock of opsla."
        )
    same = sum(row["verdicts"] for row in found if row["comparison"] in _SAME)
    text = (
        f"Of {wording.counted(compared, 'verdict')} that can be compared, {wording.count(same)} "
        f"({wording.percent(100 * same / compared, 1)}) agree, to the minute"
    )
    other = everything - compared
    return f"{text}; {wording.counted(other, 'other')} cannot be compared." if other else f"{text}."


def _group(
    group: tuple[str, str], found: Sequence[Row], examples: Sequence[Row], titles: Mapping[str, str], *, names_source: bool
) -> Mapping[str, Any]:
    source, metric = group
    total = sum(row["verdicts"] for row in found)
    return {
        "title": f"{_title(metric, titles)} ({source})" if names_source else _title(metric, titles),
        "total": wording.counted(total, "verdict"),
        "ways": [
            {
                "name": way(row["comparison"])[0],
                "why": _why(row),
                "verdicts": wording.count(row["verdicts"]),
                "share": wording.percent(100 * row["verdicts"] / total, 1),
                "examples": [
                    (shlex.quote(each["case_id"]), _beside(each))
                    for each in examples
                    if row["comparison"] != "agrees" and (each["source"], each["metric"], each["comparison"]) == (source, metric, row["comparison"])
                ],
            }
            for row in sorted(found, key=lambda row: _place(row["comparison"]))
        ],
    }


def _place(comparison: str) -> int:
    return list(WAYS).index(comparison) if comparison in WAYS else len(WAYS)


def _why(row: Row) -> str:
    apart = row["difference_p50_business_minutes"]
    middle = f" Half of them are at most {wording.time_taken(apart)} apart." if row["comparison"] == "time_differs" and apart else ""
    return f"{way(row['comparison'])[1]}{middle}"


def _beside(example: Row) -> str:
    """Both sides of one example: `source 3 h 20 min, opsla 10 min`, `source breached, opsla met`."""
    ours, theirs = example["elapsed_seconds"], example["source_elapsed_seconds"]
    if example["comparison"] in ("time_differs", "whole_minutes") and ours is not None and theirs is not None:
        return f"source {wording.clock_time(theirs)}, opsla {wording.clock_time(ours)}"
    verdict = {True: "breached", False: "met", None: "no verdict"}[example["source_is_breached"]]
    outcome = example["outcome"] or "no clock"
    return f"source {verdict}, opsla {outcome}"


def _title(metric: str, titles: Mapping[str, str]) -> str:
    return titles.get(metric) or wording.sentence(wording.name(metric))


def _table(found: Sequence[Row], titles: Mapping[str, str]) -> Table:
    return Table(
        head=["Source", "Metric", "Comparison", "Verdicts", "Breached, source", "Breached, opsla", "Difference, p50"],
        rows=[
            [
                row["source"], _title(row["metric"], titles), way(row["comparison"])[0], wording.count(row["verdicts"]),
                wording.count(row["source_breached_verdicts"]), wording.count(row["breached_clocks"]),
                wording.time_taken(row["difference_p50_business_minutes"]),
            ]
            for row in found[:MOST_TABLE_ROWS]
        ],
        names=3,
        note=f"{MOST_TABLE_ROWS} of {len(found):,} rows; all are in {_TABLE}." if len(found) > MOST_TABLE_ROWS else "",
    )
