"""The dictionary of columns: each once, with its unit and meaning.

Belongs here: every column a table may have. Does not belong here: which table has which (raw.py, staging.py, mart.py,
ops.py). Instants end in `_ts` (as a source names them) or `_at`; both are naive UTC. `_pct` is 0-100.
"""

from __future__ import annotations

from opsla_dagster.catalog.model import Column
from opsla_dagster.status import AUTHOR_KINDS, INITIATORS, GroupSignal, Signal, Status

STATUSES = tuple(status.value for status in Status)
SIGNALS = tuple(signal.value for signal in (*Signal, *GroupSignal))
#: Attributes of a case that policies may ask for, and that may change.
ATTRIBUTES = (
    "priority", "tier", "team", "agent", "case_type", "brand", "region", "channel", "customer", "tags", "source",
    "schedule", "initiated_by",
)
OUTCOMES = ("met", "breached", "running", "unknown")


def _text(name: str, description: str, *, nullable: bool = False, values: tuple[str, ...] = ()) -> Column:
    return Column(name, "VARCHAR", description, nullable=nullable, values=values)


def _instant(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, "TIMESTAMP", description + " (UTC)", nullable=nullable)


def _date(name: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "DATE", description, nullable=nullable)


def _flag(name: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "BOOLEAN", description, nullable=nullable)


def _count(name: str, description: str, *, nullable: bool = False, at_least: int | None = 0) -> Column:
    return Column(name, "BIGINT", description, nullable=nullable, at_least=at_least)


def _measure(name: str, description: str, *, nullable: bool = True, at_least: float | None = 0) -> Column:
    return Column(name, "DOUBLE", description, nullable=nullable, at_least=at_least)


def _pct(name: str, description: str) -> Column:
    return Column(name, "DOUBLE", description + ", 0-100", nullable=True, at_least=0, at_most=100)


def _percentiles(measure: str, what: str) -> list[Column]:
    return [
        _measure(f"{measure}_p{share}_business_minutes", f"Exact p{share} of {what}, business minutes")
        for share in (50, 90, 95)
    ]


def _stretch(stretch: str, what: str) -> list[Column]:
    return [
        _measure(f"{stretch}_calendar_minutes", f"Minutes: {what}"),
        _measure(f"{stretch}_business_minutes", f"Business minutes of the desk's calendar: {what}"),
    ]


_ALL = [
    # who and when
    _text("source", "Name of the source in sources.yml"),
    _text("case_id", "The case; unique in the warehouse (a source may prefix its own ids)"),
    _text("event_id", "The event; unique in the warehouse"),
    _date("intake_date", "Local date of intake in the desk's zone; the partition of every row of the case"),
    _instant("intake_ts", "Authoritative instant of intake", nullable=False),
    _text("tier", "Support tier or level", nullable=True),
    _text("case_type", "What kind of case it is", nullable=True),
    _text("priority", "Priority as the source names it", nullable=True),
    _text("category", "Category as the source names it", nullable=True),
    _text("team", "Team or group holding the case", nullable=True),
    _text("author_kind", "Who wrote the message; NULL: the source does not tell", nullable=True, values=AUTHOR_KINDS),
    _text("initiated_by", "Who began the case; NULL: the source does not tell, and it counts as the customer's", nullable=True, values=INITIATORS),
    _text("merged_into", "The case in which a merged one goes on, where the source tells", nullable=True),
    _text("agent", "Agent holding the case", nullable=True),
    _text("brand", "Brand the case came in for", nullable=True),
    _text("region", "Region the case belongs to", nullable=True),
    _text("channel", "Channel the case came in by", nullable=True),
    _text("customer", "Customer or organisation the case is for", nullable=True),
    _text("tags", "Tags of the case, sorted, separated by one blank", nullable=True),
    # what the source itself says
    _instant("source_resolved_ts", "The source's own resolved stamp"),
    _instant("source_closed_ts", "The source's own closed stamp"),
    _flag("source_is_sla_met", "The source's own verdict on its promise", nullable=True),
    _text("fingerprint", "Identity of the source's parameters or mapping; one warehouse holds one per source"),
    _instant("as_of_at", "What was known up to this instant is what the rows say", nullable=False),
    _count("cases", "Cases counted in the row"),
    _count("events", "Events counted in the row"),
    _text("refresh", "Identity of the refresh that wrote the row; NULL for a run that belongs to none", nullable=True),
    _instant("previous_look_at", "As of when all loaded dates had last been looked at before this load; NULL: never"),
    _text("digest", "Changes when the source's content of the intake date changes"),
    # events
    _text("status", "Canonical status category", values=STATUSES),
    _text("source_status", "The status as the source names it", nullable=True),
    _instant("event_ts", "When the event happened, by the source; may be missing"),
    _instant("ingestion_ts", "When the source's log received the event", nullable=False),
    _instant("canonical_ts", "event_ts, else ingestion_ts", nullable=False),
    _count("source_sequence", "Order in the source; breaks ties of instants", at_least=None),
    _flag("is_reopen", "The event takes a case out of a terminal status, in the source's own order"),
    _flag("is_duplicate", "The source flags the event as a copy", nullable=True),
    _flag("is_late_arriving", "The source flags the event as late in arriving", nullable=True),
    _flag("is_tz_inconsistent", "The source flags event_ts as written in a wrong zone", nullable=True),
    _flag("is_event_ts_missing", "event_ts is missing, canonical_ts is ingestion_ts"),
    _flag("is_ingestion_before_event", "ingestion_ts lies before event_ts"),
    _flag("is_before_intake", "canonical_ts lies before intake_ts; clocks clip it to intake"),
    _count("copies", "Rows of the raw log that this event stands for", at_least=1),
    # what else a source tells of a case
    _text("message_id", "The message; unique in the warehouse"),
    _instant("sent_ts", "When the message was sent", nullable=False),
    _text("change_id", "The change of an attribute; unique in the warehouse"),
    _instant("changed_ts", "When the attribute changed", nullable=False),
    _text("applied_id", "The source's own promise as it applied it to the case; unique in the warehouse"),
    _instant("applied_ts", "When the source applied its promise", nullable=False),
    _text("verdict_id", "The source's own verdict; unique in the warehouse"),
    _flag("is_breached", "The source says that the promise was broken", nullable=True),
    _instant("breached_ts", "When it was broken, by the source"),
    _flag("source_is_breached", "The source says that the promise was broken", nullable=True),
    _instant("source_breached_ts", "When it was broken, by the source"),
    _count("source_elapsed_seconds", "Seconds that the source counted", nullable=True),
    _count("difference_seconds", "Ours less the source's; NULL where either tells none, or they count other hours", nullable=True, at_least=None),
    _text("comparison", "How the source's verdict compares with our clock", values=(
        "agrees", "whole_minutes", "time_differs", "verdict_differs", "still_running", "unknown", "no_clock",
        "nothing_compared")),
    Column("example_number", "BIGINT", "Number of the example, 1 the largest difference", at_least=1, at_most=3),
    _count("verdicts", "Verdicts of the source counted in the row"),
    _count("source_breached_verdicts", "Of these, the ones that say broken"),
    _measure("difference_p50_business_minutes", "Exact p50 of the difference, business minutes"),
    _instant("known_ts", "From when on the source told it", nullable=False),
    _text("fact", "What the source tells of the case: rating, bot_participated, handling_seconds ..."),
    _text("value_text", "The fact as a word or words; NULL where it is a number", nullable=True),
    _measure("value_number", "The fact as a number, in the unit of the fact's name (true is 1, false is 0); NULL where it is words", at_least=None),
    # drift of what is loaded from ticket systems
    _text("resource", "What the record is of: tickets, conversations ..."),
    _text("drift", "How the field is not as it is known", values=("new", "missing", "retyped", "unknown")),
    _text("expected_type", "Type that is known of the field", nullable=True),
    _text("found_type", "Type that was found; of an unknown word, the word", nullable=True),
    _instant("first_seen_at", "When it was seen first", nullable=False),
    # rejected rows
    _text("file", "File the row was read from"),
    Column("row_number", "BIGINT", "Number of the record in its file, the first is 1", nullable=True, at_least=1),
    _text("field", "Canonical field that could not be read"),
    _text("reason", "Why: the row cannot be used, or the outcome is unknown"),
    _text("record", "The row itself, as JSON"),
    _count("source_rows", "Records of the source, used and rejected, in all its files"),
    # calendars
    _text("calendar", "Name of the calendar in calendars.yml"),
    _date("calendar_date", "Local date"),
    Column("iso_weekday", "INTEGER", "1 Monday to 7 Sunday", at_least=1, at_most=7),
    _flag("is_weekend", "Saturday or Sunday"),
    _flag("is_holiday", "A holiday of the calendar"),
    _text("holiday_name", "Name of the holiday", nullable=True),
    _flag("is_business_day", "The calendar is open for some part of the date"),
    _count("open_seconds", "Seconds for which the calendar is open on the date"),
    _count("business_day_number", "Business days from the start of the horizon up to and including the date"),
    _date("utc_date", "UTC date of the segment; the key to join an instant's segment by"),
    _instant("segment_start_at", "Start of the segment, inclusive", nullable=False),
    _instant("segment_end_at", "End of the segment, exclusive", nullable=False),
    _flag("is_open", "Open at the time: a calendar segment, a span or a clock that has not ended, a case"),
    _text("kind", "Why the calendar counts the segment or not", values=("open", "closed_hours", "holiday")),
    _date("local_date", "Local date of the segment in the calendar's zone"),
    _count("open_seconds_before", "F at the start of the segment: open seconds since the horizon's start"),
    _count("holiday_seconds_before", "Closed seconds of holidays from the horizon's start up to the segment's"),
    _count("open_hour_number", "Hours of open time since the horizon's start that have gone by before this one"),
    _date("business_date", "Local date of the minute"),
    _instant("minute_start_at", "Start of the business minute", nullable=False),
    _count("minute_number", "Business minutes from the horizon's start up to this one"),
    # staffing
    _date("staff_date", "Local date of the shift"),
    _text("shift", "Name of the shift"),
    _measure("planned_heads", "Agents planned"),
    Column("shrinkage_rate", "DOUBLE", "Share of planned agents not available, 0-1", at_least=0, at_most=1),
    _measure("effective_heads", "Agents available: planned less shrinkage"),
    _pct("shrinkage_pct", "Share of planned agents not available"),
    # clocks
    _text("metric", "What is measured: name of the metric in sla_policies.yml"),
    _text("policy", "Whose promise: name of the policy in sla_policies.yml, or <source>:<policy> for one of the source's own"),
    Column("position", "BIGINT", "Position of the policy in sla_policies.yml; the first that a case meets is in force", at_least=1),
    _text("role", "What the signal does to the clock; reopen: what starts it anew where the policy says so; after: what must have come before a "
          "start counts; start_if_outbound: what starts it instead of INTAKE in a case that the desk began",
          values=("start", "stop", "cancel", "pause", "reopen", "after", "start_if_outbound")),
    _text("signal", "What is listened to: a canonical status, REOPENED, a message, or a change of hands between groups", values=SIGNALS),
    _flag("is_repeating", "Every start after a stop is a cycle of its own"),
    _text("attribute", "Attribute of a case that may change", values=ATTRIBUTES),
    _text("value", "Value of the attribute; NULL: none", nullable=True),
    _instant("valid_from", "The attribute has the value from here, inclusive", nullable=False),
    _instant("valid_to", "and up to here, exclusive; NULL: for good"),
    _instant("signal_at", "When the signal was given", nullable=False),
    Column("sort_rank", "BIGINT", "What comes first whatever its stamp: 0 intake, 1 the group that has the case at intake, 2 all others", at_least=0),
    _text("previous_value", "Value of the attribute before the change; NULL: none", nullable=True),
    _text("reopen", "What a reopened case does to a stopped clock; the policy in force at intake decides", values=("freeze", "restart", "resume", "void")),
    _text("change", "From when the policy counts where it comes into force while a clock runs", values=("retroactive", "restart")),
    _flag("is_on_case_schedule", "The target counts on the case's own schedule, and moves with it"),
    _text("schedule_change", "How a schedule counts that changes while a clock runs: each second by the calendar of its instant, or all by the last one",
          values=("in_force", "last")),
    _count("in_force_elapsed_seconds", "Open seconds the clock ran, each by the calendar in force at its instant; NULL while open", nullable=True),
    _count("last_elapsed_seconds", "Open seconds the clock ran, all by the calendar in force just before its end; NULL while open", nullable=True),
    _text("schedule_rule", "A rule of counting a schedule that changes while a clock runs", values=("in_force", "last")),
    _flag("is_applied_rule", "The rule by which our clocks count"),
    _count("compared_clocks", "Stopped clocks whose schedule changed and of which the source tells its time"),
    _count("agreeing_clocks", "Of these, clocks whose time differs by less than a minute"),
    _pct("agreeing_pct", "agreeing_clocks of compared_clocks"),
    _flag("is_calendar_changed", "Another calendar was in force earlier while the clock ran; schedule_change says which counts"),
    _instant("calendar_from_at", "The calendar counts from here, inclusive", nullable=False),
    _instant("calendar_to_at", "and up to here, exclusive; NULL: for good"),
    _flag("is_source_promise", "Promised by the source itself, not by sla_policies.yml"),
    _instant("in_force_from_at", "The promise is in force from here, inclusive", nullable=False),
    _instant("in_force_to_at", "and up to here, exclusive; NULL: for good"),
    Column("cycle", "BIGINT", "Number of the cycle: how often the metric of the case ran", at_least=1),
    Column("part", "BIGINT", "Number of the part of a cycle that goes on after a reopen", at_least=1),
    _instant("cycle_started_at", "Start of the cycle's first part", nullable=False),
    _flag("is_last_part", "The cycle ends with this part"),
    _text("start_event_id", "The event or message that started it; NULL: intake", nullable=True),
    _text("end_event_id", "The event or message that ended it; NULL: none did", nullable=True),
    _instant("counted_from_at", "From here on the policy counts: the start, or when the policy came into force", nullable=False),
    _flag("is_superseded", "The policy lost force while the clock ran"),
    _text("state", "What the clock did", values=("running", "paused", "policy_switch")),
    _flag("is_only_span", "The clock ran in one stretch from start to stop"),
    Column("open_seconds_at_start", "BIGINT", "F at started_at; NULL outside the horizon", nullable=True, at_least=0),
    Column("open_seconds_at_stop", "BIGINT", "F at stopped_at; NULL while running or outside the horizon", nullable=True, at_least=0),
    _count("running_seconds", "Open seconds in which the clock ran; NULL while it does", nullable=True),
    _count("closed_hours_seconds", "Seconds outside the calendar's opening times; NULL while running", nullable=True),
    _count("holiday_seconds", "Closed seconds of the calendar's holidays; NULL while running", nullable=True),
    _count("policy_switch_seconds", "Seconds before the policy counted; NULL while running", nullable=True),
    _count("target_seconds", "Promise: open seconds of the clock's calendar"),
    _text("root_cause_stage", "The status in which the breached clock ran longest beyond its peers", nullable=True, values=STATUSES),
    _text("root_cause_owner", "Who held most of that time: agent, else team", nullable=True),
    _measure("root_cause_business_minutes", "Business minutes the clock ran in that status"),
    _measure("peer_median_business_minutes", "Median of the same over the clocks of the same policy and metric that came in on the same date"),
    _measure("beyond_peers_business_minutes", "Business minutes in that status beyond the peers' median", at_least=None),
    _count("peer_clocks", "Peers that ran in that status, the clock itself among them", at_least=1),
    _measure("early_business_minutes", "Target less elapsed, business minutes; negative when late", at_least=None),
    _text("dimension", "What clocks or cases are told apart by: all, queue, priority, tier, region, brand, channel, root_cause_stage, "
          "root_cause_owner, or a dimension that sources.yml names"),
    _text("dimension_value", "Value of the dimension; none: the case has none"),
    _count("clocks", "Clocks counted in the row"),
    _count("met_clocks", "Clocks that were kept"),
    _count("breached_clocks", "Clocks that stopped after their target"),
    _count("open_breached_clocks", "Clocks past their target that still run"),
    _count("running_clocks", "Clocks that run; in mart.sla_overview those within their target"),
    _count("unknown_clocks", "Clocks nobody can judge; staging.sla_clocks.reason says why"),
    _count("late_seconds", "Seconds beyond their targets of the breached clocks, added up"),
    _pct("attainment_pct", "met_clocks of met_clocks + breached_clocks + open_breached_clocks"),
    _measure("late_avg_business_minutes", "Mean of the breached clocks' business minutes beyond their target"),
    Column("point_number", "BIGINT", "Position of the point in the life of the case", at_least=1),
    _instant("happened_at", "When it happened", nullable=False),
    _text("point_id", "The event, message or change"),
    _text("point", "What happened: the status it came into, the message, or the attribute that changed"),
    _flag("is_first_response", "The first public reply"),
    _flag("is_first_resolution", "The first RESOLVED"),
    _count("early_seconds", "Target less elapsed: negative when late; NULL while running or unknown", nullable=True, at_least=None),
    _instant("started_at", "Start of the clock or span, inclusive", nullable=False),
    _instant("stopped_at", "The stop event's instant, or the end of a case that ended without one; NULL while running"),
    _count("elapsed_seconds", "Open seconds of the clock's calendar that counted; NULL while running or unknown",
           nullable=True),
    _count("paused_seconds", "Open seconds of the clock's calendar spent paused; NULL while running or unknown",
           nullable=True),
    _count("remaining_seconds", "Open seconds left until the target; negative when past it", at_least=None),
    _instant("due_at", "The first instant at which the time run reaches the target; for a clock stopped before, as if it had gone on; NULL while paused before it, and for an unknown clock"),
    _text("outcome", "met, breached (elapsed > target), running, or unknown with its reason", values=OUTCOMES),
    _flag("is_stopped_by_event", "A stop event ended the clock; false while running and when the case ended without one"),
    _flag("is_paused", "The case is in a status that pauses the clock"),
    # facts of a case
    _text("dimensions", "Values of the dimensions that sources.yml names, `product=x; plan=y`, by name", nullable=True),
    _text("dimension_name", "Name of the dimension in sources.yml"),
    _count("public_reply_count", "Public replies of persons; NULL: the source tells no messages", nullable=True),
    _count("bot_reply_count", "Public replies of bots; NULL: the source tells no messages", nullable=True),
    _count("customer_message_count", "Messages of the customer; NULL: the source tells no messages", nullable=True),
    _count("private_note_count", "Notes that the customer does not see; NULL: the source tells no messages", nullable=True),
    _flag("is_one_touch", "Ended, not cancelled, with at most one public reply of a person; NULL: not ended so, or without any message", nullable=True),
    _count("agent_station_count", "Different agents who held the case"),
    _count("team_station_count", "Different teams that held the case"),
    _count("handoff_count", "How often the case went from one agent or team to another; the first of each is none, nor is nobody in between"),
    _instant("first_reply_at", "The first public reply of a person, as first_reply counts it"),
    _text("first_reply_agent", "Who gave it", nullable=True),
    *_stretch("first_reply", "intake to the first public reply of a person; where the desk began, from the customer's first message on"),
    *_stretch("first_resolution", "intake to the first RESOLVED or CLOSED"),
    *_stretch("full_resolution", "intake to the end of the case; NULL while open, and where it was cancelled"),
    *_stretch("agent_wait", "time in CUSTOMER_WAIT, of stretches that have ended: the agent waits"),
    *_stretch("requester_wait", "time in neither CUSTOMER_WAIT nor an end, of stretches that have ended: the customer waits"),
    *_stretch("on_hold", "time in ON_HOLD and VENDOR_WAIT, of stretches that have ended; also in requester_wait"),
    _measure("rating_number", "Rating on the source's own scale (Intercom: 1-5); NULL: not rated, or rated in words"),
    _text("rating_word", "Rating as a word (Zendesk: good, bad)", nullable=True),
    _text("rating_verdict", "Rating in words that all sources share; Intercom's 4 and 5 are good, its 3 is neutral; NULL: not rated", nullable=True,
          values=("good", "neutral", "bad")),
    _flag("is_rating_offered", "The customer was asked for a rating; NULL: the source does not tell", nullable=True),
    _flag("is_bot_involved", "A bot took part, by the source or by its replies; NULL: nobody tells", nullable=True),
    _flag("is_bot_resolved", "The bot resolved it, by the source; NULL: it does not tell", nullable=True),
    _measure("bot_rating_number", "Rating of the bot on the source's own scale"),
    _measure("handling_calendar_minutes", "Minutes of handling that the source counted"),
    _text("sla_name", "Name of the SLA that the source applied", nullable=True),
    _count("source_reply_count", "Replies that the source counted", nullable=True),
    _count("source_reopen_count", "Reopens that the source counted", nullable=True),
    _count("source_agent_station_count", "Agents that the source counted", nullable=True),
    _count("source_team_station_count", "Teams that the source counted", nullable=True),
    *[
        _measure(f"source_{stretch}_{hours}_minutes", f"{stretch.replace('_', ' ')} as the source measured it, {told}", at_least=None)
        for stretch in ("first_reply", "first_resolution", "full_resolution", "agent_wait", "requester_wait", "on_hold")
        for hours, told in (("calendar", "minutes"), ("business", "minutes of the source's own schedule"))
    ],
    # what agents did
    _date("month_date", "First day of the local month in the desk's zone"),
    _count("taken_cases", "Cases that the agent came to hold in the month"),
    _count("reopened_after_cases", "Of resolved_cases, those reopened later on"),
    _count("first_replied_cases", "Cases that the agent was the first to answer"),
    _measure("first_reply_p50_business_minutes", "Exact p50 of their first replies, business minutes of the desk's calendar"),
    _count("rated_cases", "Cases that were rated"),
    _count("good_cases", "Of rated_cases, those rated good"),
    _count("bad_cases", "Of rated_cases, those rated bad"),
    _pct("satisfaction_pct", "good_cases of rated_cases"),
    _measure("rating_mean_number", "Mean of the ratings on the source's own scale; NULL where it rates in words"),
    _count("bot_resolved_cases", "Cases that a bot resolved, by the source"),
    _count("resolved_cases", "Cases that ended, those cancelled left out; of an agent, cases resolved or closed while the agent held them"),
    _count("replied_cases", "Cases with a public reply of a person"),
    _pct("bot_resolved_pct", "bot_resolved_cases of cases"),
    _pct("replied_pct", "replied_cases of cases"),
    _pct("resolved_pct", "resolved_cases of cases"),
    # milestones and spans
    _instant("triage_ts", "First TRIAGE"),
    _instant("assigned_ts", "First ASSIGNED"),
    _instant("investigation_ts", "First INVESTIGATION"),
    _instant("escalated_ts", "First ESCALATED"),
    _instant("customer_wait_ts", "First CUSTOMER_WAIT"),
    _instant("review_qa_ts", "First REVIEW_QA"),
    _instant("resolved_ts", "First RESOLVED"),
    _instant("last_resolved_ts", "Last RESOLVED"),
    _instant("reopened_ts", "First reopen"),
    _instant("cancelled_ts", "First CANCELLED"),
    _flag("is_cancelled", "A CANCELLED or MERGED event ended the case"),
    _flag("is_merged", "A MERGED event ended the case: it goes on in another one"),
    _instant("closed_ts", "First CLOSED"),
    _instant("ended_at", "End of the case or span, exclusive; NULL while open, or while the owner holds the case"),
    _instant("last_terminal_at", "Last terminal event of a case that has ended; NULL while open"),
    _count("event_count", "Deduplicated events of the case"),
    _count("reopen_count", "Reopens of the case"),
    _flag("is_triage_before_intake", "First TRIAGE lies before intake: first touch is unknown, never a breach"),
    _instant("first_touch_ts", "When the first-touch clock was stopped: first TRIAGE by the shipped policies"),
    _instant("resolution_ts", "When the first-resolution clock was stopped: first RESOLVED by the shipped policies; with resume, the last stop"),
    _text("resolution_calendar", "The calendar on which the case's first resolution counts"),
    _flag("is_first_touch_before_intake", "The first touch lies before intake: its minutes are unknown, never a breach"),
    _flag("is_reopened", "The case was reopened at least once"),
    Column("span_number", "BIGINT", "Position of the span in the case, the first is 1", at_least=1),
    # case measures
    _measure("first_touch_business_minutes", "Intake to first touch, business minutes; NULL when the touch lies before"),
    _measure("resolution_incl_wait_business_minutes", "Intake to first resolution, waits counted, business minutes"),
    _measure("resolution_incl_wait_target_business_minutes", "Promise of the first resolution, waits counted, business minutes"),
    _measure("resolution_paused_business_minutes", "Intake to first resolution, paused in waits, business minutes"),
    _measure("customer_wait_business_minutes", "Waits before the first resolution that pause first_resolution_paused, business minutes"),
    _measure("resolution_calendar_minutes", "Intake to first resolution, calendar minutes"),
    _flag("is_sla_b_breached", "first_touch took more than its target; false when it is unknown"),
    _flag("is_sla_a_incl_wait_breached", "first_resolution took more than its target, customer wait counted"),
    _flag("is_sla_a_paused_breached", "first_resolution_paused took more than its target"),
    _measure("triage_to_investigation_business_minutes", "First TRIAGE to first INVESTIGATION, business minutes"),
    _measure("investigation_to_review_business_minutes", "First INVESTIGATION to first REVIEW_QA, business minutes"),
    _measure("review_to_resolved_business_minutes", "First REVIEW_QA to first RESOLVED, business minutes"),
    _measure("measured_rework_business_minutes", "First reopen to last RESOLVED or a later CLOSED, business minutes; NULL while open"),
    _measure("proxy_rework_business_minutes", "The tier's median investigation-to-review minutes (published proxy)"),
    # flow and load of a day
    _date("ended_date", "Local date on which the cases ended; NULL while open", nullable=True),
    _count("opened_cases", "Cases taken in on the date"),
    _count("ended_cases", "Cases that a terminal event (RESOLVED, CLOSED, CANCELLED) of the date ended: the first that no reopen follows"),
    _count("net_flow_cases", "Opened less ended", at_least=None),
    _count("open_backlog_cases", "Cases taken in by the end of the date and not ended by then"),
    _measure("congestion_index", "(opened + open backlog) / effective agents of the date"),
    _measure("congestion_index_10bd_mean", "Mean congestion index of the 10 business days up to and including the date; of those there are, where loaded dates begin"),
    _measure("congestion_exposure", "congestion_index_10bd_mean of the case's intake date"),
    # SLA marts
    _date("first_intake_date", "First intake date loaded"),
    _date("last_intake_date", "Last intake date loaded"),
    _count("sla_cases", "Cases both touched and resolved, those of unknown first touch among them, open ones not: the denominator of the breach percentages"),
    _count("sla_b_breached_cases", "Cases that breached the metric first_touch"),
    _count("sla_a_incl_wait_breached_cases", "Cases that breached the metric first_resolution: customer wait counted"),
    _count("sla_a_paused_breached_cases", "Cases that breached the metric first_resolution_paused: paused in the desk's waits"),
    _pct("sla_b_breach_pct", "first_touch breaches of sla_cases: unknown first touches count as kept, open cases not at all (mart.open_clocks)"),
    _pct("sla_a_incl_wait_breach_pct", "first_resolution breaches of sla_cases, customer wait counted; open cases do not count (mart.open_clocks)"),
    _pct("sla_a_paused_breach_pct", "first_resolution_paused breaches of sla_cases; open cases do not count (mart.open_clocks)"),
    *_percentiles("first_touch", "first touch"),
    *_percentiles("resolution_incl_wait", "first resolution, customer wait counted"),
    *_percentiles("resolution_paused", "first resolution, paused in CUSTOMER_WAIT"),
    _count("stopped_clocks", "Clocks that are met or breached and of a policy that was in force at their end"),
    _count("paused_clocks", "Of stopped_clocks, those that stood still for some open time"),
    *_percentiles("elapsed", "open time that a clock counted"),
    # drivers
    _text("stage", "Stretch between two milestones",
          values=("triage_to_investigation", "investigation_to_review", "review_to_resolved")),
    _measure("p50_business_minutes", "Exact p50 of the stage, business minutes"),
    _measure("p90_business_minutes", "Exact p90 of the stage, business minutes"),
    _measure("p95_business_minutes", "Exact p95 of the stage, business minutes"),
    _flag("is_tier_bottleneck", "The stage with the largest p95 of its tier"),
    _measure("resolution_incl_wait_avg_business_minutes", "Mean first resolution, customer wait counted, business minutes"),
    Column("exposure_decile", "BIGINT", "Decile of congestion exposure, 10 is the most congested", at_least=1, at_most=10),
    _measure("exposure_min", "Least congestion exposure in the decile"),
    _measure("exposure_max", "Greatest congestion exposure in the decile"),
    _text("finding", "Short name of the finding"),
    _measure("figure", "The finding's figure, in `unit`", at_least=None),
    _text("unit", "Unit of the figure"),
    # scenarios
    _text("scenario", "Name of the scenario in scenarios.yml"),
    _text("lever", "What the scenario changes", values=("shorten_stage", "fewer_reopens")),
    Column("reduction_rate", "DOUBLE", "Share taken away, 0-1", at_least=0, at_most=1),
    _count("eligible_cases", "Cases the scenario's levers act on"),
    _count("sla_a_incl_wait_breaches_before", "first_resolution breaches (customer wait counted) among the eligible cases"),
    _count("sla_a_incl_wait_breaches_avoided", "Of these, the breaches that the scenario avoids"),
    _pct("breach_pct_before", "first_resolution breaches (customer wait counted) of all sla cases, as it was"),
    _pct("breach_pct_after", "first_resolution breaches (customer wait counted) of all sla cases, under the scenario"),
    _measure("hours_saved", "Business hours saved: stage time and rework"),
    _text("rework_measure", "How rework was measured", nullable=True, values=("proxy", "measured")),
    _text("description", "What it is, in words"),
    # the source's own verdict beside ours
    _text("compared_with", "The promises that the source's verdicts are set beside: its own, all of a case together; our clocks of the metrics that it "
          "judged; or the first resolution of sla_policies.yml", values=("own_promises", "judged_metrics", "first_resolution")),
    _count("source_verdict_cases", "Cases on which the source gives a verdict"),
    _pct("source_breach_pct", "Breaches by the source's own verdict, of source_verdict_cases"),
    _pct("our_breach_pct", "Breaches by our clocks of `compared_with`, of our_verdict_cases"),
    _count("our_verdict_cases", "Cases on which our clocks of `compared_with` give a verdict: one is breached, or all are met"),
    _count("both_verdict_cases", "Cases on which both give a verdict"),
    _count("agreeing_cases", "Of both_verdict_cases, those on which the verdicts agree"),
    _count("source_resolved_cases", "Cases with the source's own resolved stamp"),
    *[
        _measure(f"source_resolution_p{share}_calendar_hours", f"Exact p{share} of intake to the source's resolved stamp, hours",
                 at_least=None)
        for share in (50, 75, 90, 95)
    ],
]

COLUMNS = {column.name: column for column in _ALL}
