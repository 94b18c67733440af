"""The area `events`. Canonical events, messages, milestones, owners and stretches of one status.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/events/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, text
from opsla_dagster.catalog.model import Column, Kind, Rule
from opsla_dagster.catalog.table import tables_with

COLUMNS = [
    Column("span_number", "BIGINT", "Position of the span in the case, the first is 1", at_least=1),
    # events
    instant("canonical_ts", "event_ts, else ingestion_ts", nullable=False),
    flag("is_event_ts_missing", "event_ts is missing, canonical_ts is ingestion_ts"),
    flag("is_ingestion_before_event", "ingestion_ts lies before event_ts"),
    flag("is_before_intake", "canonical_ts lies before intake_ts; clocks clip it to intake"),
    count("copies", "Rows of the raw log that this event stands for", at_least=1),
    # clocks
    Column("point_number", "BIGINT", "Position of the point in the life of the case", at_least=1),
    instant("happened_at", "When it happened", nullable=False),
    text("point_id", "The event, message or change"),
    text("point", "What happened: the status it came into, the message, or the attribute that changed"),
    flag("is_first_response", "The first public reply"),
    flag("is_first_resolution", "The first RESOLVED"),
    # facts of a case
    text("dimension_name", "Name of the dimension in sources.yml"),
    # owners
    flag("is_holding_start", "The first span of a team and agent that hold the case from held_from_at to held_to_at"),
    instant("held_from_at", "Since when the team and agent hold the case", nullable=False),
    instant("held_to_at", "Until when they do; NULL while they do"),
    Column("calendar_seconds", "BIGINT", "Seconds by the clock; NULL while it goes on", nullable=True, at_least=0),
    Column("business_seconds", "BIGINT", "Open seconds of the team's calendar; NULL while it goes on, and outside the calendar's horizon", nullable=True, at_least=0),
    Column("run_number", "BIGINT", "Number among the runs of teams, nobody's time left out; NULL: nobody's", nullable=True, at_least=1),
    Column("visited_run_number", "BIGINT", "The team's latest run before, where it gets a case back", nullable=True, at_least=1),
    Column("inactive_after_seconds", "BIGINT", "Seconds of silence that are not inactive yet (ownership.yml)", at_least=1),
    text("told_previous_value", "The old value that the change tells; NULL: none", nullable=True),
    text("known_previous_value", "The value that had been told before; NULL: none", nullable=True),
    flag("is_team_new", "Another team held the case before, or nobody did: the case came to the team"),
    flag("is_team_left", "Another team holds the case next"),
    # milestones and spans
    instant("triage_ts", "First TRIAGE"),
    instant("assigned_ts", "First ASSIGNED"),
    instant("investigation_ts", "First INVESTIGATION"),
    instant("escalated_ts", "First ESCALATED"),
    instant("customer_wait_ts", "First CUSTOMER_WAIT"),
    instant("review_qa_ts", "First REVIEW_QA"),
    instant("resolved_ts", "First RESOLVED"),
    instant("cancelled_ts", "First CANCELLED"),
    flag("is_merged", "A MERGED event ended the case: it goes on in another one"),
    instant("closed_ts", "First CLOSED"),
    instant("last_terminal_at", "Last terminal event of a case that has ended; NULL while open"),
    count("event_count", "Deduplicated events of the case"),
    flag("is_triage_before_intake", "First TRIAGE lies before intake: first touch is unknown, never a breach"),
]

#: Time by state, as of a stint.
_SECONDS = " ".join(
    f"{state}_{clock}_seconds" for clock in ("calendar", "business") for state in ("queue", "active", "wait_customer", "wait_other", "done", "inactive")
)

table = tables_with(COLUMNS)

AREA = Area(
    "events",
    "Canonical events, messages, milestones, owners and stretches of one status.",
    [
        table(
            "staging.events_deduped", Kind.PARTITIONED, "One row per distinct event of a case.",
            "Of events with the same case, status and event_ts the earliest ingested is kept, ties by event_id; a status told again right "
            "after another one of the same instant is a return and kept, and so are all events without event_ts.",
            key="event_id",
            columns="""source event_id case_id intake_date status source_status event_ts ingestion_ts canonical_ts
                       source_sequence is_reopen is_duplicate is_late_arriving is_tz_inconsistent team agent copies""",
        ),
        table(
            "staging.events_clean", Kind.PARTITIONED, "One row per distinct event of a case.",
            "Deduplicated events with their canonical instant and the flags of what is odd about them.",
            key="event_id",
            columns="""source event_id case_id intake_date status source_status event_ts ingestion_ts canonical_ts
                       source_sequence is_reopen is_event_ts_missing is_tz_inconsistent is_late_arriving
                       is_ingestion_before_event is_before_intake team agent""",
        ),
        table(
            "staging.messages_deduped", Kind.PARTITIONED, "One row per distinct message of a case.",
            "Of messages of one kind at one instant the first in the source's order is kept.",
            key="message_id",
            columns="source message_id case_id intake_date sent_ts source_sequence signal author_kind agent copies",
        ),
        table(
            "staging.case_milestones", Kind.PARTITIONED, "One row per case.",
            "The first canonical instant of each status, and where the case ended.",
            key="case_id",
            columns="""source case_id intake_date intake_ts tier case_type priority category team agent
                       brand region channel customer tags merged_into initiated_by
                       triage_ts assigned_ts investigation_ts escalated_ts customer_wait_ts review_qa_ts resolved_ts
                       last_resolved_ts reopened_ts cancelled_ts closed_ts ended_at last_terminal_at event_count reopen_count
                       is_triage_before_intake is_open is_cancelled is_merged source_resolved_ts source_closed_ts source_is_sla_met""",
            rules=(Rule("resolved_ts", "<=", "last_resolved_ts"), Rule("ended_at", "<=", "last_terminal_at")),
        ),
        table(
            "staging.status_spans", Kind.PARTITIONED, "One row per case and contiguous stretch in one status.",
            "Half-open, disjoint and gap-free from intake to the last terminal event of a case that has ended; the last span of an open case has no end.",
            key="case_id span_number",
            columns="source case_id intake_date span_number status started_at ended_at is_open event_id",
            nullable="event_id",
            rules=(Rule("started_at", "<", "ended_at"),),
        ),
        table(
            "staging.ownership_rules", Kind.FULL_REFRESH, "One row.",
            "ownership.yml: from when on a silence counts as inactive.",
            key="inactive_after_seconds",
            columns="inactive_after_seconds",
        ),
        table(
            "staging.review_teams", Kind.FULL_REFRESH, "One row per review team.",
            "review_teams of ownership.yml: teams that cases go to and come back from by plan. None, unless some are named.",
            key="team",
            columns="team",
        ),
        table(
            "staging.ownership_spans", Kind.PARTITIONED, "One row per case and span held by one team and agent in one state.",
            "Who held a case when, in which state and for how long, as events and changes of team and agent tell: every second of its life once. "
            "UNASSIGNED is nobody.",
            key="case_id span_number",
            columns="""source case_id intake_date span_number started_at ended_at is_open stint team agent state is_holding_start held_from_at
                       held_to_at is_team_new is_team_left event_id calendar calendar_seconds business_seconds inactive_calendar_seconds
                       inactive_business_seconds""",
            nullable="event_id",
            rules=(Rule("started_at", "<=", "ended_at"), Rule("held_from_at", "<=", "started_at"), Rule("inactive_calendar_seconds", "<=", "calendar_seconds"),
                   Rule("inactive_business_seconds", "<=", "business_seconds")),
        ),
        table(
            "staging.ownership_stints", Kind.PARTITIONED, "One row per case and stint: a maximal run of one team, or of nobody.",
            "How a case went from team to team, how it came to each, and the time it had with it by state. Seconds are those that have ended.",
            key="case_id stint",
            columns=f"""source case_id intake_date stint team previous_team entered_by is_planned_return entered_by_actor run_number visited_run_number started_at ended_at is_last is_open
                       is_initial_missing {_SECONDS}""",
            rules=(Rule("started_at", "<=", "ended_at"),),
        ),
        table(
            "staging.ownership_contradictions", Kind.PARTITIONED, "One row per change of team or agent whose old value is not what was told before it.",
            "Old values that contradict the chain: counted, never guessed from.",
            key="change_id",
            columns="source case_id intake_date change_id changed_ts attribute told_previous_value known_previous_value value",
        ),
        table(
            "staging.case_dimensions", Kind.PARTITIONED, "One row per case and dimension that sources.yml names for its source.",
            "Custom fields, forms and fields of organisations, as sources.yml names them; the latest value.",
            key="case_id dimension_name",
            columns="source case_id intake_date dimension_name dimension_value",
            nullable="dimension_value",
        ),
        table(
            "staging.case_lifecycle", Kind.VIEW, "One row per case and point of its life.",
            "States, messages and holders in order: first response, resolution, reopens, and who held the case at each point.",
            key="case_id point_number",
            columns="""source case_id intake_date point_number happened_at point_id point is_reopen is_first_response
                       is_first_resolution team agent""",
        ),
    ],
)
