"""Source verdicts: what the source says of its cases beside what opsla says.

Belongs here: this one section. Does not belong here: what it looks like (templates/sources.html.j2).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import Section

_TABLE = "mart.source_sla_comparison"


def sources(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Each source's own SLA verdicts and resolution stamps beside ours; None where no source has any."""
    section = partial(Section, key="sources", title="Source verdicts", tables=(_TABLE,))
    found = rows(
        connection,
        f"select * from {_TABLE} where source_verdict_cases > 0 or source_resolved_cases > 0 order by source",
        _TABLE,
    )
    if not found:
        return None
    return section(
        finding=_finding(found),
        how_to_read="Agreeing cases are those where the source and opsla come to the same verdict.",
        definition=(
            f"Each breach % is over the cases that side gives a verdict for. {' '.join(_judged_by(row, headline) for row in found if row['source_verdict_cases'])}"
            + " Calendar hours run from intake to the source’s own resolution stamp, around the clock." * any(row["source_resolved_cases"] for row in found)
        ),
        data={"sources": [(row["source"], _figures(row)) for row in found]},
    )


def _judged_by(row: Row, headline: Headline) -> str:
    """Which of our clocks stand beside a source's verdicts."""
    source = row["source"]
    if row["compared_with"] == "own_promises":
        return f"{source} gives one verdict on all its promises of a case, and so does opsla here: breached if any clock is, met if all are."
    if row["compared_with"] == "judged_metrics":
        return f"Opsla’s verdict is on the metrics that {source} judged: breached if any clock is, met if all are."
    title = headline.titles().get("first_resolution")
    if title is None:
        return f"Which promise the verdicts of {source} are about is not known, and none of this desk’s is set beside them."
    return f"Opsla’s verdict is on “{title}”; which promise the verdicts of {source} are about is not known."


def _finding(found: Sequence[Row]) -> str:
    row = next((row for row in found if row["source_verdict_cases"]), None)
    if row is None:
        first = found[0]
        half = wording.decimal(first["source_resolution_p50_calendar_hours"])
        return (
            f"{first['source']} gives no verdicts of its own; by its own stamps half of its "
            f"{wording.counted(first['source_resolved_cases'], 'resolved case')} took at most {half} calendar hours."
        )
    text = (
        f"{row['source']} calls {wording.percent(row['source_breach_pct'])} of "
        f"{wording.counted(row['source_verdict_cases'], 'case')} breached"
    )
    if not row["our_verdict_cases"]:
        return f"{text}; opsla has no verdict of its own to set beside it."
    text = f"{text}, opsla {wording.percent(row['our_breach_pct'])}"
    if not row["both_verdict_cases"]:
        return f"{text}."
    share = wording.percent(100 * row["agreeing_cases"] / row["both_verdict_cases"], 1)
    both = wording.counted(row["both_verdict_cases"], "case")
    return f"{text}; of {both} judged by both the two agree on {wording.count(row['agreeing_cases'])} ({share})."


def _figures(row: Row) -> list[tuple[str, str]]:
    return [
        ("Cases", wording.count(row["cases"])),
        *(_verdicts(row) if row["source_verdict_cases"] else []),
        *(_stamps(row) if row["source_resolved_cases"] else []),
    ]


def _verdicts(row: Row) -> list[tuple[str, str]]:
    """The source's verdicts, and ours where there are any to set beside them."""
    theirs = [("With the source’s verdict", wording.count(row["source_verdict_cases"])), ("Breached, source", wording.percent(row["source_breach_pct"]))]
    if not row["our_verdict_cases"]:
        return theirs
    return [
        *theirs,
        ("With opsla’s verdict", wording.count(row["our_verdict_cases"])),
        ("Breached, opsla", wording.percent(row["our_breach_pct"])),
        ("Judged by both", wording.count(row["both_verdict_cases"])),
        ("Agreeing cases", wording.count(row["agreeing_cases"])),
    ]


def _stamps(row: Row) -> list[tuple[str, str]]:
    return [
        ("With a resolution stamp", wording.count(row["source_resolved_cases"])),
        *(
            (f"{p} calendar hours", wording.decimal(row[f"source_resolution_{p}_calendar_hours"]))
            for p in ("p50", "p75", "p90", "p95")
        ),
    ]
