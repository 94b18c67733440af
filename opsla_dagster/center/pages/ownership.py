"""Ownership: who really had the time, who hands cases to whom, and who has what is open.

Belongs here: the page. Does not belong here: what the figures mean (sql/mart/ownership/), and the picture of the flow (reporting/ownership_flow.py).
"""

from __future__ import annotations

from typing import Any

from opsla_dagster.center.drawings import NARROW, WIDE
from opsla_dagster.center.model import Column, Drawing, Figure, Grid, Page, Row
from opsla_dagster.center.pages.report_sections import shown
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import has_table
from opsla_dagster.reporting.ownership_flow import draw_flow, flow_of
from opsla_dagster.reporting.sections.ownership import (
    AGENTS_ALONE,
    flow_label,
    hint_of,
    is_anybody_told,
    ownership,
    pairs_of,
    unknown_of,
    untold,
)

ROWS_SHOWN = 100


def ownership_page(view: View, *, is_whole: bool = False) -> Page:
    """The page at the instant of the address; the open cases are of that instant, everything else is of ended cases as they are known now."""
    limit = None if is_whole else ROWS_SHOWN
    linked = _escalations(view, limit)
    if not is_anybody_told(view.connection):
        why = untold(view.connection)
        held = [_live(view, _held_now(view), limit)] if why == AGENTS_ALONE else []
        return Page(template="ownership.html.j2", title="Ownership", grids=[*held, *([linked] if linked else [])], context={"nobody": why, "sections": []})
    live = _held_now(view)
    pairs = pairs_of(view.connection)
    flow = flow_of(pairs)
    drawings = []
    if flow:
        drawings.append(Drawing(
            "handoffs", "Hand-offs, from whom to whom",
            draw_flow(flow, WIDE[0], 440, flow_label(flow)), draw_flow(flow_of(pairs, 6), NARROW[0], 340, flow_label(flow)),
            legend=[("tone-b", "hand-offs"), ("tone-a", "a quarter or more of them ping-pong")],
            note="From left to right; a band is as thick as there are hand-offs. The teams with fewer are drawn as one; the table has all pairs.",
        ))  # fmt: skip
    back: list[Row] = view.rows("bounce_pairs")
    found: list[Row] = view.rows("misattribution")
    overall = next((row for row in found if row["scope"] == "all"), {})
    grids = [
        _live(view, live, limit), _teams(view.rows("team_latency")), _pairs(back, " ".join(filter(None, (unknown_of(pairs, view.settings.ownership.review_teams), hint_of(pairs)))), limit),
        _loops(view.rows("routing_loops"), limit), _scopes(found), *([linked] if linked else []),
    ]  # fmt: skip
    return Page(
        template="ownership.html.j2", title="Ownership", figures=_figures(overall, back, live), grids=grids, drawings=drawings,
        context={"nobody": "", "sections": shown([ownership(view.connection, has_flow=False)])},
    )


def _held_now(view: View) -> list[Row]:
    """The cases open at the instant, of the queue that is asked for."""
    queue = view.require_queue()
    return [row for row in view.rows_at("active_escalations") if queue in (None, "none" if row["team"] == "UNASSIGNED" else row["team"])]


def _figures(overall: dict[str, Any], pairs: list[Row], live: list[Row]) -> list[Figure]:
    handed, bounced, planned = (sum(pair[name] for pair in pairs) for name in ("team_handoff_count", "ping_pong_count", "planned_return_count"))
    reviewed = [f"another {wording.percent(100 * planned / handed, 1)} came back from review, as planned"] if planned else []
    return [
        Figure("misattributed", "Charged to the wrong team", overall.get("misattributed_pct"), "pct", notes=["of the time of ended cases, up to completion"]),
        Figure("handoffs", "Hand-offs", handed, notes=["between two teams"]),
        Figure("back", "Ping-pong", 100 * bounced / handed if handed else None, "pct", notes=["of the hand-offs came straight back", *reviewed]),
        Figure("bounced", "Open and bounced", sum(row["ping_pong_count"] + row["return_indirect_count"] > 0 for row in live), notes=["open cases that came back to a team, planned returns left out"]),
    ]  # fmt: skip


def _live(view: View, live: list[Row], limit: int | None) -> Grid:
    return Grid(
        key="active_escalations", title="Open now, and who has it",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])), Column("team", "Team"), Column("agent", "Agent"),
            Column("priority", "Priority"), Column("age_calendar_minutes", "Age", "calendar_minutes"), Column("team_stint_calendar_minutes", "With the team", "calendar_minutes"),
            Column("team_handoff_count", "Hand-offs", "count"), Column("ping_pong_count", "Ping-pong", "count"),
            Column("planned_return_count", "Back as planned", "count", is_shown=False), Column("return_direct_count", "Straight back", "count", is_shown=False),
            Column("last_activity_at", "Last told", "instant"), Column("next_due_at", "Next due", "due"),
            Column("breached_clocks", "Past due", "count", css=lambda row: "bad" if row["breached_clocks"] else ""),
        ],
        rows=live[:limit], total=len(live), empty="No case is open at this instant.",
    )  # fmt: skip


def _teams(teams: list[Row]) -> Grid:
    return Grid(
        key="team_latency", title="Teams: true and charged time",
        columns=[
            Column("team", "Team"), Column("cases", "Cases", "count"), Column("held_calendar_seconds", "Really had", "calendar_seconds"),
            Column("naive_calendar_seconds", "Charged", "calendar_seconds"), Column("queue_calendar_seconds", "In queue", "calendar_seconds"),
            Column("active_calendar_seconds", "Worked on", "calendar_seconds"), Column("wait_customer_calendar_seconds", "Waiting for customer", "calendar_seconds"),
            Column("wait_other_calendar_seconds", "Waiting for others", "calendar_seconds"), Column("inactive_calendar_seconds", "Inactive of it", "calendar_seconds"),
            Column("held_p50_calendar_minutes", "p50 a case", "calendar_minutes"), Column("held_p90_calendar_minutes", "p90 a case", "calendar_minutes"),
            Column("open_now_cases", "Not ended", "count"), Column("open_now_held_calendar_seconds", "Really had, not ended", "calendar_seconds"),
            Column("open_now_naive_calendar_seconds", "Charged, not ended", "calendar_seconds"),
        ],
        rows=teams, empty="No case was held by anybody yet.",
    )  # fmt: skip


def _pairs(pairs: list[Row], hint: str, limit: int | None) -> Grid:
    return Grid(
        key="bounce_pairs", title="Who sends to whom, and what comes back",
        columns=[
            Column("from_team", "From"), Column("to_team", "To"), Column("team_handoff_count", "Hand-offs", "count"),
            Column("ping_pong_count", "Ping-pong", "count"), Column("ping_pong_pct", "Share", "pct"), Column("planned_return_count", "Back as planned", "count"),
            Column("returned_pct", "Back at all", "pct"), Column("detour_calendar_seconds", "Away until straight back", "calendar_seconds"),
        ],
        rows=pairs[:limit], total=len(pairs), note=hint, empty="No case went from one team to another.",
    )  # fmt: skip


def _loops(loops: list[Row], limit: int | None) -> Grid:
    return Grid(
        key="routing_loops", title="Routing loops",
        columns=[Column("loop_path", "Path"), Column("is_planned", "Planned", "flag"), Column("loop_count", "Times", "count"), Column("cases", "Cases", "count"), Column("away_calendar_seconds", "Away", "calendar_seconds")],
        rows=loops[:limit], total=len(loops), empty="No case came back to a team that had it before.",
    )  # fmt: skip


def _scopes(found: list[Row]) -> Grid:
    return Grid(
        key="misattribution", title="Charged to the wrong team, by state and priority",
        columns=[
            Column("scope", "Of"), Column("scope_value", "Value"), Column("cases", "Cases", "count"), Column("misattributed_pct", "Share", "pct"),
            Column("misattributed_with_done_pct", "With time after completion", "pct"), Column("misattributed_p50_pct", "p50 of cases", "pct"),
            Column("misattributed_p90_pct", "p90 of cases", "pct"), Column("mostly_misattributed_cases", "Cases over half", "count"),
        ],
        rows=found,
    )  # fmt: skip


def _escalations(view: View, limit: int | None) -> Grid | None:
    """Cases whose work goes on in a linked ticket, those first that have been held longest since; None where no source tells links."""
    if not has_table(view.connection, "mart.case_links"):
        return None
    found = view.rows("escalations")
    return Grid(
        key="escalations", title="Escalated to a linked ticket",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])),
            Column("linked_case_id", "Linked ticket", href=lambda row: view.state.case_url(row["linked_case_id"]) if row["is_linked_case_loaded"] else None),
            Column("relation", "As"), Column("linked_ts", "Since", "instant"), Column("team_at_link", "Team then"),
            Column("held_before_link_calendar_seconds", "Held before", "calendar_seconds"), Column("held_after_link_calendar_seconds", "Held after, up to the last look", "calendar_seconds"), Column("is_held_on", "Still held", "flag"),
            Column("standing", "The ticket now"),
        ],
        rows=found[:limit], total=len(found), empty="No case is escalated to a linked ticket.",
    )  # fmt: skip
