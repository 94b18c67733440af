"""Open clocks at risk: clocks that are breached already, and those about to be.

Belongs here: this one section. Does not belong here: what it looks like (templates/open-clocks.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.promises import SPOKEN_OF
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import Section
from opsla_dagster.reporting.wording import MISSING

#: How an open clock stands, from the worst: (key, words).
BANDS = (("past", "breached"), ("day", "due within 24 hours"), ("later", "due later"), ("paused", "paused"),
         ("unknown", "unknown"))

#: What a clock's case is, each told where some case has it.
COLUMNS = ("tier", "priority", "team")

_BANDED = f"""
    select
        metric,
        case
            when outcome = 'breached' then 'past'
            when outcome = 'unknown' then 'unknown'
            when is_paused then 'paused'
            when due_at <= as_of_at + interval 24 hour then 'day'
            else 'later'
        end as band,
        count(*) as clocks,
        max(as_of_at) as as_of_at
    from mart.open_clocks
    where {SPOKEN_OF} and list_contains(?, metric)
    group by all
    order by metric, band
"""
_NEXT_DUE = f"""
    select case_id, metric, tier, priority, team, elapsed_seconds, target_seconds, remaining_seconds, due_at
    from mart.open_clocks
    where outcome = 'running' and not is_paused and {SPOKEN_OF} and list_contains(?, metric)
    order by due_at nulls last, remaining_seconds, case_id, metric, policy, cycle
    limit 12
"""


def open_clocks(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Open clocks by how they stand, and the next ones due; None where none is open."""
    section = partial(Section, key="open-clocks", title="Open clocks at risk", tables=("mart.open_clocks",))
    titles = headline.titles()
    banded = rows(connection, _BANDED, "mart.open_clocks", "mart.sla_overview", parameters=[list(titles)])
    if not banded:
        return None
    next_due = rows(connection, _NEXT_DUE, "mart.open_clocks", parameters=[list(titles)])
    columns = [name for name in COLUMNS if any(wording.is_named(row[name]) for row in next_due)]
    totals = {band: sum(row["clocks"] for row in banded if row["band"] == band) for band, _ in BANDS}
    as_of_at = max(row["as_of_at"] for row in banded)
    return section(
        finding=(
            f"{wording.counted(totals['day'], 'open clock is', 'open clocks are')} due within 24 hours of "
            f"{wording.instant(as_of_at)}; {wording.counted(totals['past'], 'is', 'are')} breached already."
        ),
        how_to_read=(
            "Bars: all open clocks by how they stand. Table: the running clocks that are due next, unless stopped or paused before. "
            + wording.long_ago(as_of_at, headline.last_event_at)
        ),
        definition=(
            "A clock is open from its start to its stop. Used and left are open time of its calendar; the due time is wall-clock time "
            f"of {headline.zone}. Breached = elapsed > target. A paused clock is due at no known time; one whose target is used up outside opening hours is breached when they begin again."
        ),
        data={
            "bands": [(band, words) for band, words in BANDS if totals[band]],
            "clocks": [_bar(clock, banded, titles) for clock in sorted({row["metric"] for row in banded})],
            "zone": headline.zone,
            "columns": columns,
            "next_due": [_due(row, titles, headline.zone, columns) for row in next_due],
        },
    )


def _bar(clock: str, banded: Sequence[Row], titles: Mapping[str, str]) -> Mapping[str, Any]:
    counts = {row["band"]: row["clocks"] for row in banded if row["metric"] == clock}
    total = sum(counts.values())
    return {
        "name": titles.get(clock) or wording.name(clock),
        "total": wording.count(total),
        "parts": [
            {"key": key, "words": words, "count": wording.count(counts[key]), "share": round(100 * counts[key] / total, 2)}
            for key, words in BANDS
            if key in counts
        ],
    }


def _due(row: Row, titles: Mapping[str, str], zone: str, columns: Sequence[str]) -> Mapping[str, Any]:
    used = row["elapsed_seconds"] / row["target_seconds"] if row["target_seconds"] else 0.0
    return {
        "case_id": row["case_id"],
        "metric": titles.get(row["metric"]) or wording.name(row["metric"]),
        "attributes": [(name, _attribute(name, row[name])) for name in columns],
        "used": wording.decimal(min(100.0, 100 * used)),
        "left": wording.span(row["remaining_seconds"]) if row["remaining_seconds"] else "used up",
        "due": MISSING if row["due_at"] is None else wording.due(row["due_at"], zone),
    }


def _attribute(name: str, value: str | None) -> str:
    if value is None or not wording.is_named(value):
        return MISSING
    return wording.tier(value) if name == "tier" else value
