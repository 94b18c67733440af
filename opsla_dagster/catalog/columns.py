"""The columns that tables of several areas share: each once, with its unit and meaning.

Belongs here: a column of more than one area. Does not belong here: one that a single area has (it stands with the area), and which table
has which.
"""

from __future__ import annotations

from opsla_dagster.catalog.column_kinds import count, flag, instant, local_date, measure, pct, percentiles, text
from opsla_dagster.catalog.model import Column
from opsla_dagster.status import AUTHOR_KINDS, INITIATORS, GroupSignal, Signal, Status

STATUSES = tuple(status.value for status in Status)
SIGNALS = tuple(signal.value for signal in (*Signal, *GroupSignal))
#: Attributes of a case that policies may ask for, and that may change.
ATTRIBUTES = (
    "priority", "tier", "team", "agent", "case_type", "brand", "region", "channel", "customer", "tags", "source",
    "schedule", "initiated_by",
)
#: Besides these a dimension of sources.yml, by its name.
DIMENSION_ATTRIBUTE = r"dimension[.][a-z][a-z0-9_]*"
OUTCOMES = ("met", "breached", "running", "unknown")

_SHARED = [
    # who and when
    text("source", "Name of the source in sources.yml"),
    text("case_id", "The case; unique in the warehouse (a source may prefix its own ids)"),
    text("event_id", "The event; unique in the warehouse"),
    local_date("intake_date", "Local date of intake in the desk's zone; the partition of every row of the case"),
    instant("intake_ts", "Authoritative instant of intake", nullable=False),
    text("tier", "Support tier or level", nullable=True),
    text("case_type", "What kind of case it is", nullable=True),
    text("priority", "Priority as the source names it", nullable=True),
    text("category", "Category as the source names it", nullable=True),
    text("team", "Team or group holding the case", nullable=True),
    text("author_kind", "Who wrote the message; NULL: the source does not tell", nullable=True, values=AUTHOR_KINDS),
    text("initiated_by", "Who began the case; NULL: the source does not tell, and it counts as the customer's", nullable=True, values=INITIATORS),
    text("merged_into", "The case in which a merged one goes on, where the source tells", nullable=True),
    text("queue", "Queue (team or group) of the cases; none: they have none"),
    text("agent", "Agent holding the case", nullable=True),
    text("brand", "Brand the case came in for", nullable=True),
    text("region", "Region the case belongs to", nullable=True),
    text("channel", "Channel the case came in by", nullable=True),
    text("customer", "Customer or organisation the case is for", nullable=True),
    text("tags", "Tags of the case, sorted, separated by one blank", nullable=True),
    # what the source itself says
    instant("source_resolved_ts", "The source's own resolved stamp"),
    instant("source_closed_ts", "The source's own closed stamp"),
    flag("source_is_sla_met", "The source's own verdict on its promise", nullable=True),
    text("fingerprint", "Identity of the source's parameters or mapping; one warehouse holds one per source"),
    instant("as_of_at", "What was known up to this instant is what the rows say", nullable=False),
    count("cases", "Cases counted in the row"),
    count("events", "Events counted in the row"),
    text("digest", "Changes when the source's content of the intake date changes"),
    text("made_from", "Identity of what the row follows from: data, settings and code; a run keeps rows whose identity is the same"),
    # events
    text("status", "Canonical status category", values=STATUSES),
    text("source_status", "The status as the source names it", nullable=True),
    instant("event_ts", "When the event happened, by the source; may be missing"),
    instant("ingestion_ts", "When the source's log received the event", nullable=False),
    count("source_sequence", "Order in the source; breaks ties of instants", at_least=None),
    flag("is_reopen", "The event takes a case out of a terminal status, in the source's own order"),
    flag("is_duplicate", "The source flags the event as a copy", nullable=True),
    flag("is_late_arriving", "The source flags the event as late in arriving", nullable=True),
    flag("is_tz_inconsistent", "The source flags event_ts as written in a wrong zone", nullable=True),
    # what else a source tells of a case
    text("change_id", "The change of an attribute; unique in the warehouse"),
    instant("changed_ts", "When the attribute changed", nullable=False),
    text("message_id", "The message; unique in the warehouse"),
    instant("sent_ts", "When the message was sent", nullable=False),
    text("verdict_id", "The source's own verdict; unique in the warehouse"),
    # rejected rows
    count("rejected_records", "Records of the case that were rejected and that its clocks may rest on", at_least=1),
    text("reason", "Why: the row cannot be used, or the outcome is unknown"),
    # calendars
    text("calendar", "Name of the calendar in calendars.yml"),
    local_date("calendar_date", "Local date"),
    Column("hour_of_day", "BIGINT", "Hours from the local midnight", at_least=0, at_most=25),
    instant("now_at", "The instant that now stands for", nullable=False),
    Column("iso_weekday", "INTEGER", "1 Monday to 7 Sunday", at_least=1, at_most=7),
    flag("is_business_day", "The calendar is open for some part of the date"),
    count("open_hour_number", "Hours of open time since the horizon's start that have gone by before this one"),
    flag("is_open", "Open at the time: a calendar segment, a span or a clock that has not ended, a case"),
    # staffing
    measure("planned_heads", "Agents planned"),
    measure("effective_heads", "Agents available: planned less shrinkage"),
    measure("heads", "Agents at work: by the schedule, estimated, or planned"),
    text("queue", "Queue (team) of the cases; none: they have none; all: the whole desk"),
    pct("shrinkage_pct", "Share of planned agents not available"),
    # clocks
    text("metric", "What is measured: name of the metric in sla_policies.yml"),
    text("policy", "Whose promise: name of the policy in sla_policies.yml, or `SOURCE:POLICY` for one of the source's own"),
    text("signal", "What is listened to: a canonical status, REOPENED, a message, or a change of hands between groups", values=SIGNALS),
    Column(
        "attribute", "VARCHAR", f"Attribute of a case that may change: {', '.join(ATTRIBUTES)}, or `dimension.` and the name of a dimension of sources.yml",
        pattern="|".join((*ATTRIBUTES, DIMENSION_ATTRIBUTE)),
    ),
    text("value", "Value of the attribute; NULL: none", nullable=True),
    text("reopen", "What a reopened case does to a stopped clock; the policy in force at intake decides", values=("freeze", "restart", "resume", "void")),
    flag("is_on_case_schedule", "The target counts on the case's own schedule, and moves with it"),
    text("schedule_change", "How a schedule counts that changes while a clock runs: each second by the calendar of its instant, or all by the last one",
          values=("in_force", "last")),
    flag("is_source_promise", "Promised by the source itself, not by sla_policies.yml"),
    Column("cycle", "BIGINT", "Number of the cycle: how often the metric of the case ran", at_least=1),
    flag("is_superseded", "The policy lost force while the clock ran"),
    count("target_seconds", "Promise: open seconds of the clock's calendar"),
    text("root_cause_stage", "The status in which the breached clock ran longest beyond its peers", nullable=True, values=STATUSES),
    text("root_cause_owner", "Who held most of that time: agent, else team", nullable=True),
    measure("beyond_peers_business_minutes", "Business minutes in that status beyond the peers' median", at_least=None),
    text("dimension", "What clocks or cases are told apart by: all, queue, priority, tier, region, brand, channel, root_cause_stage, "
          "root_cause_owner, or a dimension that sources.yml names"),
    text("dimension_value", "Value of the dimension; none: the case has none"),
    count("clocks", "Clocks counted in the row"),
    count("breached_clocks", "Clocks that stopped after their target"),
    instant("started_at", "Start of the clock or span, inclusive", nullable=False),
    instant("stopped_at", "The stop event's instant, or the end of a case that ended without one; NULL while running"),
    count("elapsed_seconds", "Open seconds of the clock's calendar that counted; NULL while running or unknown",
           nullable=True),
    instant("due_at", "The first instant at which the time run reaches the target; for a clock stopped before, as if it had gone on; NULL while paused before it, and for an unknown clock"),
    text("outcome", "met, breached (elapsed > target), running, or unknown with its reason", values=OUTCOMES),
    Column("objective_pct", "DOUBLE", "How many of the promise's clocks are to be kept, 0-100; NULL: no objective", nullable=True, at_least=0, at_most=100),
    # facts of a case
    flag("is_bot_involved", "A bot took part, by the source or by its replies; NULL: nobody tells", nullable=True),
    # what agents did
    local_date("month_date", "First day of the local month in the desk's zone"),
    count("team_station_count", "Different teams that held the case"),
    count("resolved_cases", "Cases that ended, those cancelled left out; of an agent, cases resolved or closed while the agent held them"),
    # milestones and spans
    instant("last_resolved_ts", "Last RESOLVED"),
    instant("reopened_ts", "First reopen"),
    flag("is_cancelled", "A CANCELLED or MERGED event ended the case"),
    count("reopen_count", "Reopens of the case"),
    flag("is_reopened", "The case was reopened at least once"),
    # case measures
    measure("resolution_incl_wait_business_minutes", "Intake to first resolution, waits counted, business minutes"),
    # stretches, and what is open
    instant("ended_at", "End of the case or span, exclusive; NULL while open, or while the owner holds the case"),
    text("state", "What the clock did (running, paused, policy_switch), or the holder of a case: queue, held and not begun; active, worked on; wait_customer, "
          "wait_other; done, after completion",
          values=("running", "paused", "policy_switch", "queue", "active", "wait_customer", "wait_other", "done")),
    Column("open_seconds_at_start", "BIGINT", "F at started_at; NULL outside the horizon", nullable=True, at_least=0),
    Column("open_seconds_at_stop", "BIGINT", "F at stopped_at; NULL while running or outside the horizon", nullable=True, at_least=0),
    count("remaining_seconds", "Open seconds left until the target; negative when past it", at_least=None),
    flag("is_paused", "The case is in a status that pauses the clock"),
    text("waits_for", "Whom the open case waits for, by its status; NULL where it is not open, and where its source tells no statuses",
         nullable=True, values=("us", "customer", "vendor", "other")),
    local_date("first_intake_date", "First intake date loaded"),
    local_date("last_intake_date", "Last intake date loaded"),
    local_date("ended_date", "Local date on which it ended; NULL while it has not", nullable=True),
    # who held a case
    text("from_team", "Who handed the case on; of a scenario NULL: any team"),
    text("to_team", "Who got it; of a scenario NULL: any team"),
    count("stint", "Number of the stint, a maximal run of one team or of nobody, in its case; the first is 1", at_least=1),
    text("previous_team", "The other team that held the case last, where the stint begins with a hand-off", nullable=True),
    text("entered_by_actor", "Who made the change with which the stint begins; NULL: the source does not tell, or several did at once", nullable=True),
    text("entered_by", "How the case came: initial; handoff, return_direct, return_indirect: a hand-off, to a team that is new, that of two runs "
          "before, or an earlier one; taken_up: from nobody, by the first team or the last; unassigned: to nobody",
          values=("initial", "handoff", "return_direct", "return_indirect", "taken_up", "unassigned")),
    flag("is_planned_return", "The stint begins with a direct return from a team that ownership.yml names as a review team"),
    flag("is_last", "The stint in which the case is, or ended"),
    flag("is_initial_missing", "Nobody is told to hold the case at its beginning"),
    *[
        Column(f"{state}_{clock}_seconds", "BIGINT", f"{words}, {unit}", nullable=clock == "business", at_least=0)
        for clock, unit in (("calendar", "seconds by the clock"), ("business", "open seconds of the team's calendar; NULL outside its horizon"))
        for state, words in (
            ("queue", "Held and not begun"), ("active", "Worked on"), ("wait_customer", "Waiting for the customer"),
            ("wait_other", "Waiting for others"), ("done", "After completion"),
        )
    ],
    Column("inactive_calendar_seconds", "BIGINT", "Seconds, of those told, beyond inactive_after of a silence: no event, message or change of any attribute was told of the case", nullable=True, at_least=0),
    Column("inactive_business_seconds", "BIGINT", "Of these, open seconds of the team's calendar", nullable=True, at_least=0),
    # what is open at an instant
    text("waits_for", "Whom the open case waits for, by its status; NULL where it is not open, and where its source tells no statuses",
          nullable=True, values=("us", "customer", "vendor", "other")),
    instant("snapshot_at", "The instant at which the backlog is told: the end of the local date", nullable=False),
    measure("age_calendar_minutes", "Minutes since intake", at_least=None),
    measure("age_business_minutes", "Business minutes of the desk's calendar since intake"),
    instant("breached_since_at", "When the first of its breached clocks reached its target"),
    text("next_policy", "Policy of the clock to fall due next of those within their target", nullable=True),
    text("next_metric", "Metric of the clock to fall due next of those within their target", nullable=True),
    instant("next_due_at", "When the clock that is kept no longer first falls due if it runs on; in the past where its calendar closed exactly at its target, until that opens; NULL while a pause keeps it from being known"),
    measure("next_remaining_business_minutes", "Open minutes of its calendar that the next clock has left until its target"),
    # flow and load of a day
    count("opened_cases", "Cases taken in on the date"),
    # backlog, and what is expected of it
    instant("now_at", "The instant that now stands for", nullable=False),
    count("reopened_cases", "Cases that came back after an end"),
    count("moved_in_cases", "Open cases that came from another value of the dimension"),
    count("arrived_cases", "Cases that came into the backlog: opened, reopened, moved in"),
    count("gone_cases", "Cases that left the backlog: ended, cancelled, moved out"),
    count("open_cases", "Cases open at the end of the date, or at the instant"),
    # SLA marts
    pct("sla_b_breach_pct", "first_touch breaches of sla_cases: unknown first touches count as met, open cases not at all (mart.open_clocks)"),
    pct("sla_a_incl_wait_breach_pct", "first_resolution breaches of sla_cases, customer wait counted; open cases do not count (mart.open_clocks)"),
    pct("sla_a_paused_breach_pct", "first_resolution_paused breaches of sla_cases; open cases do not count (mart.open_clocks)"),
    *percentiles("resolution_incl_wait", "first resolution, customer wait counted"),
    # drivers
    text("stage", "Stretch between two milestones",
          values=("triage_to_investigation", "investigation_to_review", "review_to_resolved")),
]

COLUMNS = {column.name: column for column in _SHARED}
