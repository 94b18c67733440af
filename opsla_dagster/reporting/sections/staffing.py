"""Staffing: which heads keep the promise of a first answer, and what the heads that there are bring.

Belongs here: this one section, of the marts alone. Does not belong here: other promises, queues and what-ifs (the command centre, `opsla staffing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import Section, Table
from opsla_dagster.reporting.staffing import ROSTERS, WEEKDAYS, block_hours, blocks, past_heads, replay_error

#: How staffing.rows.WHEN_ASKED begins, which comes with numpy.
_WHEN_ASKED = "planned when asked"
_OUTCOMES, _PLAN, _REPLAY, _HOURS = "mart.staffing_outcomes", "mart.staffing_plan", "mart.staffing_replay", "mart.staffing_hours"


def staffing(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """The plan of the first promise that the run planned, beside other rosters; why there is none; None where nothing is promised."""
    found = rows(connection, f"select * from {_OUTCOMES} order by metric, roster <> 'plan', roster", _OUTCOMES)
    planned = [row for row in found if row["simulated_weeks"] is not None]
    section = partial(Section, key="staffing", title="Staffing", tables=(_OUTCOMES, _PLAN, _REPLAY))
    if not found:
        return None
    if not planned:
        told = next((row for row in found if not row["reason"].startswith(_WHEN_ASKED)), found[0])
        past = past_heads(connection, told["metric"])
        known = f" {past.sentence()}" if past is not None else ""
        return section(finding=f"No heads are planned for {_title(told['metric'], headline)}: {told['reason']}.{known}")
    metric = planned[0]["metric"]
    own = [row for row in planned if row["metric"] == metric]
    error = replay_error(connection, metric, own[0]["touch_basis"])
    return section(
        finding=_finding(own, headline, next((row["reason"] for row in found if row["metric"] == metric and row["roster"] == "plan"), None)),
        how_to_read=(
            "Heads are those that are there, by weekday and hour; a plan reaches the objective in at least 95 % of simulated weeks. In a lean week: 95 % of the weeks are "
            "no worse. Other promises, queues and what-ifs: the command centre, opsla staffing."
        ),
        definition=" ".join(
            [
                f"Touch time {wording.decimal(own[0]['touch_business_minutes'])} minutes a case ({own[0]['touch_basis']}).",
                *([wording.sentence(own[0]["reason"]) + "."] if own[0]["reason"] else []),
                *([error.sentence()] if error is not None else []),
            ]
        ),
        table=_table(own, _heads(connection, metric)),
    )


def _title(metric: str, headline: Headline) -> str:
    return next((promise.title for promise in headline.promises if promise.metric == metric), metric)


def _finding(own: Sequence[Row], headline: Headline, refusal: str | None) -> str:
    plan = next((row for row in own if row["roster"] == "plan"), None)
    staffed = next((row for row in own if row["roster"] == "as_staffed"), None)
    what = f"{_title(own[0]['metric'], headline)} in {wording.time_taken(own[0]['target_seconds'] / 60)} for {wording.percent(own[0]['objective_pct'], 0)}"
    if plan is None:
        return f"{what}: no plan: {refusal or 'no number of heads that was tried keeps it'}."
    words = f"{what} takes {wording.count(plan['head_hours'])} head-hours a week"
    if staffed is None:
        return f"{words}; no source tells which heads there are."
    kept = wording.percent(staffed["weeks_kept_pct"], 0)
    return f"{words}; the {wording.count(staffed['head_hours'])} of the latest weeks reach it in {kept} of simulated weeks."


def _heads(connection: duckdb.DuckDBPyConnection, metric: str) -> dict[str, str]:
    """Roster -> its heads by day and hours, in words."""
    found = rows(
        connection, f"select roster, iso_weekday, hour_of_day, heads from {_PLAN} where queue = 'all' and metric = $metric", _PLAN, parameters={"metric": metric}
    )
    by_roster: dict[str, list[float]] = {}
    for row in found:
        by_roster.setdefault(row["roster"], [0.0] * 168)[(row["iso_weekday"] - 1) * 24 + row["hour_of_day"]] = row["heads"]
    open_seconds = [0.0] * 168
    for row in rows(connection, f"select iso_weekday, hour_of_day, open_business_minutes from {_HOURS} where queue = 'all'", _HOURS):
        open_seconds[(row["iso_weekday"] - 1) * 24 + row["hour_of_day"]] = 60 * row["open_business_minutes"]
    return {roster: _in_words(heads, open_seconds) for roster, heads in by_roster.items()}


def _in_words(heads: Sequence[float], open_seconds: Sequence[float]) -> str:
    """`Mon 08-10: 44, 10-18: 25; Tue-Fri 08-18: 25`, by minutes where the desk opens within an hour: days that are alike stand together."""
    days = ["" for _ in WEEKDAYS]
    for weekday, first, end, value in blocks(heads):
        days[weekday] += f"{', ' if days[weekday] else ''}{block_hours(open_seconds, weekday, first, end).replace(':00', '')}: {wording.decimal(value, 0 if value == round(value) else 1)}"
    parts, first_day = [], 0
    for day in range(1, 8):
        if day == 7 or days[day] != days[first_day]:
            if days[first_day]:
                named = WEEKDAYS[first_day] if day - first_day == 1 else f"{WEEKDAYS[first_day]}-{WEEKDAYS[day - 1]}"
                parts.append(f"{named} {days[first_day]}")
            first_day = day
    return "; ".join(parts)


def _table(own: Sequence[Row], heads: dict[str, str]) -> Table:
    return Table(
        head=["Roster", "Heads", "Weeks kept", "Kept on average", "In a lean week", "Busy", "Head-hours a week", "Head-hours to employ"],
        rows=[
            [
                ROSTERS.get(row["roster"]) or str(row["roster"]), heads.get(row["roster"], ""), wording.percent(row["weeks_kept_pct"], 0),
                wording.percent(row["simulated_attainment_pct"], 1), wording.percent(row["lean_week_pct"], 1), wording.percent(row["busy_pct"], 0),
                wording.count(row["head_hours"]), wording.count(row["rostered_head_hours"]) if row["rostered_head_hours"] is not None else wording.MISSING,
            ]
            for row in own
        ],
        names=2,
    )  # fmt: skip
