"""Ownership: the time that teams really had, beside what the last owner is charged with, and who hands cases to whom.

Belongs here: this one section. Does not belong here: what it looks like (templates/ownership.html.j2), and the picture of the flow (ownership_flow.py).
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, has_table, rows
from opsla_dagster.reporting.ownership_flow import Pair, draw_flow, flow_of
from opsla_dagster.reporting.sections.common import MOST_ROWS, MOST_TABLE_ROWS, Axis, Section, Table
from opsla_dagster.settings.ownership import UNASSIGNED

#: From so many hand-offs on, and from such a share of them straight back, a team may be one of review.
_LEAST_HANDOFFS, _NEARLY_ALL = 30, 0.9
_TABLES = ("mart.misattribution", "mart.team_latency", "mart.bounce_pairs")
NOBODY = (
    "No source of this desk tells who held a case when. A log tells it with a column of the team (columns.team), or with an audit log of its "
    "changes (form: changes) in which a field is the team. With either, this section shows how long each team really held its cases."
)
AGENTS_ALONE = (
    "The sources of this desk name agents, and no team. Stints, hand-offs and the time that is charged are counted by team, so there are none here. "
    "Of agents, opsla ownership CASE_ID shows who held a case when, opsla agents what each did in a month, and the root causes of breaches whose stage it was. "
    "A log names the team with a column (columns.team), or with an audit log of its changes (form: changes) in which a field is the team."
)
ENDS_ALONE = (
    "The sources of this desk tell whose a case is at its end, and not since when (one row a case): the team of its row may have had it all the time or for the last minute. "
    "So there are no stints, no hand-offs and no time that is charged to the wrong team. An audit log of the changes of the team beside it (form: changes) tells them."
)
DEFINITION = (
    "True is the time of the team's own stints; naive is all time of the cases whose last event names the team. Ended cases, by the clock, up to completion; what lies after "
    "it is kept apart. A hand-off has two teams; time that nobody held is a stint of UNASSIGNED. Ping-pong: the team that got the case gave it back next. What a review team "
    "(ownership.yml) gives back is planned, and no ping-pong."
)


_UNTOLD = {
    NOBODY: "Nobody is told to have held a case", AGENTS_ALONE: "No team is told to have held a case", ENDS_ALONE: "Who held a case is told of its end alone",
}


def ownership(connection: duckdb.DuckDBPyConnection, *, has_flow: bool = True) -> Section | None:
    """What is charged to the wrong team, team by team; where no source tells who held a case, why there is nothing; None where no case has ended.

    `has_flow`: with the picture of the hand-offs and the pairs whose cases came back.
    """
    section = partial(Section, key="ownership", title="Ownership", tables=_TABLES)
    if not has_table(connection, "mart.team_latency"):  # marts of another version
        return None
    if not is_anybody_told(connection):
        return section(finding=_UNTOLD[why := untold(connection)], how_to_read=why)
    teams = latency_of(connection)
    held = [row for row in teams if row["team"] != UNASSIGNED]
    overall = rows(connection, "select * from mart.misattribution where scope = 'all'")
    if not held or not overall or overall[0]["misattributed_pct"] is None:
        return None
    pairs = pairs_of(connection) if has_flow else []
    shown = teams[:MOST_ROWS]
    axis = Axis.up_to(max((days for row in shown for days in _days(row)), default=0.0), " d")
    flow = flow_of(pairs)
    return section(
        finding=finding(overall[0], teams),
        how_to_read="Ring: what the last owner is charged with; dot: what the team really had." + (" The flow goes from left to right." if pairs else ""),
        definition=DEFINITION,
        data={
            "axis": axis,
            "rows": [_row(row, axis) for row in shown],
            "wide": draw_flow(flow, 900, 420, flow_label(flow)) if flow else "",
            "narrow": draw_flow(flow_of(pairs, 6), 360, 320, flow_label(flow)) if flow else "",
            "pairs": pairs_told(pairs),
            "hint": hint_of(pairs),
        },
        table=Table(
            head=("Team", "cases", "true", "charged (naive)", "in queue", "worked on", "waiting", "inactive of it", "p50 a case"),
            note="Calendar time; a day is 24 hours. Inactive is what of a silence goes beyond inactive_after (ownership.yml).",
            rows=[_figures(row) for row in teams[:MOST_TABLE_ROWS]],
        ),
    )  # fmt: skip


def is_anybody_told(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any case was ever held by a team."""
    return bool(rows(connection, f"select 1 from mart.team_latency where team <> '{UNASSIGNED}' limit 1", "mart.team_latency"))


def untold(connection: duckdb.DuckDBPyConnection) -> str:
    """Why there is nothing to show of a desk that tells of no team that it held a case when."""
    if rows(connection, "select 1 from mart.team_latency limit 1", "mart.team_latency"):
        return AGENTS_ALONE if is_agent_told(connection) else NOBODY
    # No source tells who held a case when; whom a case has at its end, its row may tell all the same.
    return ENDS_ALONE if is_end_told(connection) else NOBODY


def is_end_told(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any case has a team or an agent."""
    return bool(rows(connection, "select 1 from mart.backlog_sources where is_queue_told or is_agent_told limit 1", "mart.backlog_sources"))


def is_agent_told(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any case was ever held by an agent, of whichever team."""
    return bool(rows(connection, "select 1 from mart.backlog_sources where is_agent_told limit 1", "mart.backlog_sources"))


def latency_of(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The teams, those first whose true and naive time are furthest apart."""
    return rows(
        connection,
        "select * from mart.team_latency order by abs(held_calendar_seconds - naive_calendar_seconds) desc, held_calendar_seconds desc, team",
    )


def pairs_of(connection: duckdb.DuckDBPyConnection) -> list[Pair]:
    """Who hands to whom, most hand-offs first, and what of it is ping-pong."""
    found = rows(
        connection,
        "select from_team, to_team, team_handoff_count, ping_pong_count from mart.bounce_pairs order by team_handoff_count desc, from_team, to_team",
    )
    return [(row["from_team"], row["to_team"], row["team_handoff_count"], row["ping_pong_count"]) for row in found]


def finding(overall: Row, teams: Sequence[Row]) -> str:
    """The share that is charged to the wrong team, and the team that gains or loses most by it."""
    told = f"{wording.percent(overall['misattributed_pct'], 1)} of the time of ended cases is charged to a team that did not have them"
    first = next((row for row in teams if row["team"] != UNASSIGNED), None)
    if first is None or first["held_calendar_seconds"] == first["naive_calendar_seconds"]:
        return f"{told}."
    had, charged = (wording.calendar_time(seconds / 60) for seconds in (first["held_calendar_seconds"], first["naive_calendar_seconds"]))
    return f"{told}; {first['team']} had {had} of calendar time and is charged with {charged}."


def flow_label(flow: Sequence[Pair]) -> str:
    """The largest bands in words."""
    largest = [f"{giver} to {taker} {wording.count(count)}" for giver, taker, count, _ in flow[:5]]
    return f"Hand-offs between teams, most first: {wording.listed(largest)}." if largest else "No hand-offs."


def unknown_of(pairs: Sequence[Pair], named: Sequence[str]) -> str:
    """The review teams of ownership.yml that no case ever went to, each with the team that it is probably meant for. Empty: none."""
    known = sorted({taker for _, taker, _, _ in pairs})
    found = []
    for team in named:
        if team not in known:
            meant = difflib.get_close_matches(team, known, n=1) or [name for name in known if name.lower() == team.lower()]
            found.append(f"ownership.yml names the review team {team}, to which no case ever went{f': did you mean {meant[0]}?' if meant else '.'}")
    return " ".join(found)


def hint_of(pairs: Sequence[Pair]) -> str:
    """The teams from which nearly all comes straight back and that are named as no review team: a proposal, which counts nothing. Empty: none."""
    handed: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for _, taker, count, returned in pairs:
        handed[taker] += count
        back[taker] += returned
    teams = sorted((team for team in handed if handed[team] >= _LEAST_HANDOFFS and back[team] >= _NEARLY_ALL * handed[team]), key=lambda team: (-back[team], team))
    if not teams:
        return ""
    found = wording.listed([f"{wording.percent(100 * back[team] / handed[team], 1)} of the {wording.count(handed[team])} hand-offs to {team}" for team in teams])
    return (
        f"{found} came straight back. If cases go there to come back (a review, an approval), add {wording.listed(teams)} to the review_teams of ownership.yml "
        f"(review_teams: [{', '.join(teams)}] where none are named yet). What comes back from there is then planned, and no ping-pong."
    )


def pairs_told(pairs: Sequence[Pair]) -> list[tuple[str, str, str, str, str]]:
    """The pairs whose cases came straight back most often."""
    back = sorted((pair for pair in pairs if pair[3]), key=lambda pair: (-pair[3], pair[0], pair[1]))[:MOST_ROWS]
    return [(giver, taker, wording.count(count), wording.count(returned), wording.percent(100 * returned / count, 1)) for giver, taker, count, returned in back]


def _days(row: Row) -> tuple[float, float]:
    """Days of 24 hours that the team is charged with, and that it really had."""
    return row["naive_calendar_seconds"] / 86400, row["held_calendar_seconds"] / 86400


def _row(row: Row, axis: Axis) -> Mapping[str, Any]:
    days = _days(row)
    return {"name": row["team"], "cases": wording.count(row["cases"]), "times": [wording.calendar_time(value * 1440) for value in days], "marks": [axis.place(value) for value in days]}


def _figures(row: Row) -> Sequence[str]:
    waiting = row["wait_customer_calendar_seconds"] + row["wait_other_calendar_seconds"]
    seconds = (row["held_calendar_seconds"], row["naive_calendar_seconds"], row["queue_calendar_seconds"], row["active_calendar_seconds"], waiting,
               row["inactive_calendar_seconds"])  # fmt: skip
    return (row["team"], wording.count(row["cases"]), *(wording.calendar_time(value / 60) for value in seconds), wording.calendar_time(row["held_p50_calendar_minutes"]))
