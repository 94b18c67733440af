"""The area `ownership`. Who held a case and for how long, where it bounced, and what is charged to the wrong team.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/ownership/), and the spans and
stints that they rest on (the area `events`).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, measure, pct, text
from opsla_dagster.catalog.model import Column, Kind, Rule
from opsla_dagster.catalog.table import tables_with

_STATES = ("queue", "active", "wait_customer", "wait_other", "done")
_CLOCKS = (("calendar", "seconds by the clock"), ("business", "open seconds of the calendars of those who held it; NULL outside a calendar's horizon"))


def _seconds(name: str, words: str) -> list[Column]:
    return [Column(f"{name}_{clock}_seconds", "BIGINT", f"{words}, {unit}", nullable=clock == "business", at_least=0) for clock, unit in _CLOCKS]


def _names() -> str:
    """The columns of time by state."""
    return " ".join(f"{state}_{clock}_seconds" for clock, _ in _CLOCKS for state in (*_STATES, "inactive"))


COLUMNS = [
    # a case
    text("first_team", "Who held the case at its beginning"),
    text("last_team", "Who holds it, or did with its last event: the one that is charged with all of it (naive)"),
    count("stint_count", "Stints of the case, those of UNASSIGNED too", at_least=1),
    count("team_handoff_count", "Hand-offs from one team to another; nobody in between is none"),
    count("return_direct_count", "Hand-offs back to the team of two runs before; overlapping ones each count"),
    count("return_indirect_count", "Hand-offs back to a team of an earlier run"),
    count("return_count", "Hand-offs back to a team that had the case before: return_direct_count and return_indirect_count"),
    count("planned_return_count", "Of the direct returns, those from a review team of ownership.yml: planned"),
    count("ping_pong_count", "Direct ping-pong: direct returns that nobody planned"),
    pct("ping_pong_pct", "ping_pong_count of team_handoff_count"),
    pct("loop_pct", "Unplanned returns, return_count less planned_return_count, of team_handoff_count"),
    count("contradiction_count", "Changes of team or agent whose old value is not what was told before"),
    *[column for state in _STATES for column in _seconds(f"misattributed_{state}", f"Of {state}: charged to last_team, held by another")],
    *_seconds("held", "Held up to completion, all states but done"),
    *_seconds("misattributed", "Of held: charged to last_team, held by another"),
    pct("misattributed_pct", "misattributed_calendar_seconds of held_calendar_seconds"),
    pct("misattributed_with_done_pct", "The same with time after completion"),
    pct("misattributed_business_pct", "misattributed_business_seconds of held_business_seconds"),
    # stints, readable
    *[
        measure(f"{state}_{clock}_minutes", f"{words}, {unit}")
        for clock, unit in (("calendar", "minutes"), ("business", "business minutes of the team's calendar"))
        for state, words in (
            ("held", "Held up to completion"), ("queue", "Held and not begun"), ("active", "Worked on"), ("wait_customer", "Waiting for the customer"),
            ("wait_other", "Waiting for others"), ("done", "After completion"), ("inactive", "Beyond inactive_after of a silence"),
        )
    ],
    pct("share_of_life_pct", "The stint's time up to completion, of the case's"),
    text("escalation_case_id", "The ticket that the case was escalated to (staging.case_links, escalation_number 1); NULL: none", nullable=True),
    instant("escalated_at", "Since when it is linked to that ticket; NULL: it is not, or nobody tells when"),
    flag("is_after_escalation", "The stint began when the case was linked to that ticket, or later; NULL: escalated_at is not known", nullable=True),
    flag("is_last_team", "The stint is of the team that is charged with all of the case"),
    # teams
    count("naive_cases", "Ended cases whose last event names the team"),
    count("received_handoff_count", "Hand-offs to the team"),
    *_seconds("naive", "All time up to completion of the cases whose last event names the team"),
    *_seconds("naive_done", "All time after completion of the cases whose last event names the team"),
    *[
        measure(f"held_p{share}_{clock}_minutes", f"Exact p{share} over cases of the time one had with the team up to completion, {clock} minutes")
        for clock in ("calendar", "business") for share in (50, 90)
    ],
    # of cases that have not ended
    count("open_now_cases", "Cases that have not ended and that the team had at some time up to now"),
    *[
        Column(f"open_now_{state}_calendar_seconds", "BIGINT", f"Of cases that have not ended, seconds by the clock up to now: {words}", at_least=0)
        for state, words in (
            ("held", "held by the team, all states but done"), ("queue", "held and not begun"), ("active", "worked on"), ("wait_customer", "waiting for the customer"),
            ("wait_other", "waiting for others"), ("naive", "all time up to completion of those that the team has now"),
        )
    ],
    # misattribution
    text("scope", "What the row is about", values=("all", "state", "priority")),
    text("scope_value", "The state or priority; none: the case has none"),
    count("misattributed_cases", "Of cases, those with any misattributed time"),
    count("mostly_misattributed_cases", "Of cases, those with half of their time misattributed or more"),
    pct("misattributed_p50_pct", "Exact p50 over cases of the misattributed share of their time"),
    pct("misattributed_p90_pct", "Exact p90 over cases of the misattributed share of their time"),
    # pairs and loops
    count("returned_directly_count", "Of these hand-offs, those whose case the other team gave back next"),
    count("returned_count", "Of these hand-offs, those whose case the first team had again, directly or later"),
    pct("returned_directly_pct", "returned_directly_count of team_handoff_count"),
    pct("returned_pct", "returned_count of team_handoff_count"),
    Column("detour_calendar_seconds", "BIGINT", "Seconds by the clock from the hand-offs that came back directly to their return, planned ones too", at_least=0),
    text("loop_path", "Teams of the loop in order, joined by >"),
    flag("is_planned", "To a review team of ownership.yml and straight back: planned"),
    count("loop_handoff_count", "Hand-offs of one pass of the loop", at_least=2),
    count("loop_count", "How often it was gone through"),
    Column("away_calendar_seconds", "BIGINT", "Seconds by the clock from leaving the team to its return, all passes together", at_least=0),
    # open cases
    measure("team_stint_calendar_minutes", "Minutes since the present team has the case"),
    instant("last_activity_at", "When the case came in, or the latest event, message, or change of team, agent, priority or tier told of it by then; of other attributes (which break a silence of staging.ownership_spans too) it counts none", nullable=False),
    measure("silent_calendar_minutes", "Minutes since then"),
    # agents
    count("told_agents", "Agents that the row is of: 1, or those that are suppressed together", at_least=1),
    count("accepted_count", "How often the agent came to hold a case in the month"),
    count("handed_on_count", "Of these, how often another agent held it next"),
    Column("handling_business_seconds", "BIGINT", "Open seconds of the team's calendar with the agent, queued or worked on", at_least=0),
    measure("handling_p50_business_minutes", "Exact p50 over cases of the open time with the agent, queued or worked on"),
    measure("handling_p90_business_minutes", "Exact p90 over cases of the open time with the agent, queued or worked on"),
    # workload
    flag("is_all_teams", "The row is of all teams together"),
    count("held_cases", "Open cases that the team holds at the end of the date"),
    count("accepted_cases", "Cases that came to the team on the date: taken in, reopened, handed to it"),
    count("handed_on_cases", "Cases that went to another team on the date"),
    count("completed_cases", "Cases that ended with the team on the date"),
    measure("held_cases_per_head", "held_cases of all teams, an available agent; NULL where no staffing is known"),
    measure("accepted_cases_per_head", "Cases taken in and reopened, an available agent; NULL where no staffing is known"),
]

table = tables_with(COLUMNS)

#: Time of a case by state, and what of it is misattributed, clock by clock.
_MIXED = " ".join(
    name
    for clock, _ in _CLOCKS
    for name in (*(f"{state}_{clock}_seconds" for state in (*_STATES, "inactive")), *(f"misattributed_{state}_{clock}_seconds" for state in _STATES))
)
_MINUTES = " ".join(f"{state}_{clock}_minutes" for clock, _ in _CLOCKS for state in (*_STATES, "inactive"))
_CASE = "source case_id intake_date intake_ts priority tier case_type is_open ended_at first_team last_team stint_count team_station_count team_handoff_count"
_LATENCY = f"{_names()} naive_calendar_seconds naive_done_calendar_seconds naive_business_seconds naive_done_business_seconds"

AREA = Area(
    "ownership",
    "Who held a case and for how long, where it bounced, and what is charged to the wrong team.",
    [
        table(
            "staging.ownership_cases", Kind.PARTITIONED, "One row per case.",
            "Hand-offs, returns, time by state, and how much of it is charged to a team that did not have it.",
            key="case_id",
            columns=f"""{_CASE} return_direct_count return_indirect_count planned_return_count is_initial_missing contradiction_count {_MIXED}""",
        ),
        table(
            "staging.handoff_pairs", Kind.PARTITIONED, "One row per intake date and pair of teams.",
            "Hand-offs from the one to the other, and how often the case came back; mart.bounce_pairs adds them up.",
            key="intake_date from_team to_team",
            columns="intake_date from_team to_team team_handoff_count cases returned_directly_count returned_count planned_return_count detour_calendar_seconds",
        ),
        table(
            "staging.routing_loop_paths", Kind.PARTITIONED, "One row per intake date and path of a routing loop.",
            "Loops from a team over others back to it; mart.routing_loops adds them up.",
            key="intake_date loop_path",
            columns="intake_date loop_path is_planned loop_handoff_count loop_count cases away_calendar_seconds",
        ),
        table(
            "staging.agent_handlings", Kind.PARTITIONED, "One row per local month, agent and case.",
            "How often the agent accepted the case in the month and handed it on, and its open time with the agent; mart.agent_aggregates counts them.",
            key="month_date agent case_id",
            columns="source intake_date month_date agent case_id accepted_count handed_on_count handling_business_seconds",
        ),
        table(
            "mart.escalation_ownership_timeline", Kind.VIEW, "One row per case and stint.",
            "Who held a case from when to when, how it came there, and what each stint added to its life. Not published, for it is as long as the desk's "
            "history: opsla export --table mart.escalation_ownership_timeline writes it, and opsla ownership CASE draws one case.",
            key="case_id stint",
            columns=f"""source case_id intake_date stint team previous_team entered_by is_planned_return entered_by_actor started_at ended_at is_last is_open
                       held_calendar_minutes held_business_minutes share_of_life_pct {_MINUTES} is_last_team escalation_case_id escalated_at
                       is_after_escalation""",
            is_published=False,
        ),
        table(
            "mart.case_bounce", Kind.VIEW, "One row per case.",
            "How often a case changed hands and came back, and how much of its time is charged to the wrong team. Not published, for it is as long as the "
            "desk's history: opsla export --table mart.case_bounce writes it.",
            key="case_id",
            columns=f"""{_CASE} ping_pong_count return_count return_direct_count return_indirect_count planned_return_count loop_pct held_calendar_seconds
                       misattributed_calendar_seconds done_calendar_seconds misattributed_done_calendar_seconds misattributed_pct
                       misattributed_with_done_pct is_initial_missing contradiction_count""",
            is_published=False,
        ),
        table(
            "mart.team_latency_daily", Kind.PARTITIONED, "One row per intake date and team, UNASSIGNED too.",
            "The time that a date's ended cases had with each team by state, beside what the last owner is charged with.",
            key="intake_date team",
            columns=f"intake_date team cases naive_cases received_handoff_count {_LATENCY}",
        ),
        table(
            "mart.team_latency", Kind.FULL_REFRESH, "One row per team, UNASSIGNED too.",
            "The time that ended cases had with each team by state, beside what the last owner is charged with; percentiles are of cases. Cases that have not "
            "ended stand beside (open_now), up to now.",
            key="team",
            columns=f"""team cases naive_cases received_handoff_count held_calendar_seconds held_business_seconds {_LATENCY} held_p50_calendar_minutes
                       held_p90_calendar_minutes held_p50_business_minutes held_p90_business_minutes open_now_cases open_now_held_calendar_seconds
                       open_now_queue_calendar_seconds open_now_active_calendar_seconds open_now_wait_customer_calendar_seconds
                       open_now_wait_other_calendar_seconds open_now_naive_calendar_seconds""",
        ),
        table(
            "mart.misattribution", Kind.FULL_REFRESH, "One row per scope: all time of ended cases, that of a state, or of a priority.",
            "How much time is charged to the wrong team, and how that is spread over the cases.",
            key="scope scope_value",
            columns="""scope scope_value cases misattributed_cases mostly_misattributed_cases held_calendar_seconds misattributed_calendar_seconds
                       done_calendar_seconds misattributed_done_calendar_seconds held_business_seconds misattributed_business_seconds misattributed_pct
                       misattributed_with_done_pct misattributed_business_pct misattributed_p50_pct misattributed_p90_pct""",
        ),
        table(
            "mart.bounce_pairs", Kind.FULL_REFRESH, "One row per pair of teams.",
            "Who sends to whom, and how often it comes back.",
            key="from_team to_team",
            columns="""from_team to_team team_handoff_count cases returned_directly_count returned_count planned_return_count ping_pong_count
                       returned_directly_pct returned_pct ping_pong_pct detour_calendar_seconds""",
        ),
        table(
            "mart.routing_loops", Kind.FULL_REFRESH, "One row per path of a routing loop.",
            "From a team over others back to it: how often, and how long the cases were away.",
            key="loop_path",
            columns="loop_path is_planned loop_handoff_count loop_count cases away_calendar_seconds",
        ),
        table(
            "mart.active_escalations", Kind.FULL_REFRESH, "One row per case that is open now.",
            "Who has it, for how long, how often it changed hands, when it was touched last, and what falls due next.",
            key="case_id",
            columns="""snapshot_at source case_id intake_date intake_ts case_type priority tier status waits_for team agent age_calendar_minutes
                       age_business_minutes stint team_stint_calendar_minutes team_handoff_count return_direct_count return_indirect_count
                       planned_return_count ping_pong_count last_activity_at silent_calendar_minutes next_policy next_metric next_due_at next_remaining_business_minutes breached_clocks
                       breached_since_at""",
            rules=(Rule("last_activity_at", "<=", "snapshot_at"),),
        ),
        table(
            "mart.agent_aggregates", Kind.FULL_REFRESH, "One row per local month and agent with at least 5 cases in it; one for those with fewer.",
            "Cases, how many were accepted and handed on, and the open time with the agent. Figures of single persons are not published: "
            "opsla export --table mart.agent_aggregates writes them.",
            key="month_date agent",
            columns="""month_date agent told_agents cases accepted_count handed_on_count handling_p50_business_minutes handling_p90_business_minutes""",
            is_published=False,
        ),
        table(
            "mart.team_workload", Kind.VIEW, "One row per local date and team, and one for all teams.",
            "Cases held at the end of the date, accepted and handed on during it; an available agent, where staffing is known.",
            key="calendar_date is_all_teams team",
            columns="""calendar_date team is_all_teams held_cases accepted_cases handed_on_cases completed_cases effective_heads held_cases_per_head
                       accepted_cases_per_head""",
            partition_column="calendar_date",
        ),
    ],
    fed_by=("raw.events_log.team",),
    stand_empty=(
        "mart.team_latency_daily", "mart.team_latency", "mart.misattribution", "mart.bounce_pairs", "mart.routing_loops", "mart.active_escalations",
        "mart.agent_aggregates",
    ),
)
