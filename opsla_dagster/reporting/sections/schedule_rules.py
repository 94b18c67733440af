"""Schedules that change: which rule the source follows when a case's schedule changes while a clock runs.

Belongs here: this one section. Does not belong here: measuring (mart.schedule_rule_agreement), and what it looks like
(templates/schedule-rules.html.j2).
"""

from __future__ import annotations

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import Section

_TABLE = "mart.schedule_rule_agreement"
#: What each rule counts by.
RULES = {
    "in_force": "each second by the schedule of its instant",
    "last": "the whole clock by the last schedule before its end",
}


def schedule_rules(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """How many of the source's own measured times each rule meets; None where no clock saw its schedule change."""
    found = rows(connection, f"select * from {_TABLE} order by source, metric, agreeing_clocks desc, schedule_rule", _TABLE)
    if not found:
        return None
    titles = headline.titles()
    return Section(
        key="schedule-rules",
        title="Schedules that change",
        tables=(_TABLE,),
        finding=_finding(found),
        how_to_read=(
            "Of the clocks during which the schedule of the case changed, those whose time as the source measured it is met by each rule, to "
            "the minute. The rule that meets most is the one that the source follows."
        ),
        definition="; ".join(f"{wording.name(rule)} = {words}" for rule, words in RULES.items()) + ". The option is schedule_change.",
        data={
            "rows": [
                {
                    "name": titles.get(row["metric"]) or wording.sentence(wording.name(row["metric"])),
                    "source": row["source"],
                    "rule": RULES.get(row["schedule_rule"], wording.name(row["schedule_rule"])),
                    "clocks": wording.count(row["compared_clocks"]),
                    "agreeing": wording.count(row["agreeing_clocks"]),
                    "share": wording.percent(100 * row["agreeing_clocks"] / row["compared_clocks"], 1),
                }
                for row in found
            ]
        },
    )


def _finding(found: list[Row]) -> str:
    """Which rule meets most clocks of all metrics together, of the source with most such clocks."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in found:
        both = sums.setdefault((row["source"], row["schedule_rule"]), [0, 0])
        both[0] += row["agreeing_clocks"]
        both[1] += row["compared_clocks"]
    source = max(sums, key=lambda key: (sums[key][1], key))[0]
    rules = {rule: figures for (of_source, rule), figures in sums.items() if of_source == source}
    best = max(rules, key=lambda rule: (rules[rule][0], rule))
    agreeing, clocks = rules[best]
    if sum(figures[0] == agreeing for figures in rules.values()) > 1:
        return f"{source} measures {wording.counted(clocks, 'clock')} during which the schedule changed; no rule meets more of them than another."
    if 2 * agreeing < clocks:
        return (
            f"{source} measures {wording.counted(clocks, 'clock')} during which the schedule changed; no rule meets half of them, so none is the one it "
            "follows."
        )
    applied = any(row["is_applied_rule"] for row in found if (row["source"], row["schedule_rule"]) == (source, best))
    other = "" if applied else f" Opsla’s own figures go by the other rule: `schedule_change: {best}` in sources.yml makes them go by this one."
    return (
        f"{source} counts {RULES.get(best, wording.name(best))}: that meets {wording.count(agreeing)} of the "
        f"{wording.counted(clocks, 'clock')} during which the schedule changed.{other}"
    )
