"""Tables of the staging layer: canonical events, spans, clocks and the measures of a case.

Belongs here: staging tables. Does not belong here: what a person reads (mart.py).
"""

from opsla_dagster.catalog.model import Kind, Rule
from opsla_dagster.catalog.table import table

#: From the life of a case to its judged clocks, in the order in which they are made.
CLOCK_ROAD = (
    "staging.case_attributes", "staging.sla_signals", "staging.case_sla_policies", "staging.case_sla_calendars", "staging.sla_cycles",
    "staging.sla_clock_windows", "staging.sla_clock_spans", "staging.sla_clocks",
)

STAGING = [
    table(
        "staging.sla_metric_rules", Kind.SNAPSHOT, "One row per metric, role and signal.",
        "The metrics of sla_policies.yml as data: what starts, stops, cancels and pauses a clock.",
        key="metric role signal",
        columns="metric role signal is_repeating",
    ),
    table(
        "staging.sla_policies", Kind.SNAPSHOT, "One row per policy and metric.",
        "The promises of sla_policies.yml as data.",
        key="policy metric",
        columns="policy position metric calendar target_seconds reopen change schedule_change",
    ),
    table(
        "staging.sla_policy_scopes", Kind.SNAPSHOT, "One row per policy, attribute and value.",
        "Whom the policies are for; a policy without rows is for every case.",
        key="policy attribute value",
        columns="policy position attribute value",
    ),
    table(
        "staging.scenario_levers", Kind.SNAPSHOT, "One row per scenario and lever.",
        "The scenarios of scenarios.yml as data.",
        key="scenario lever",
        columns="scenario lever tier stage reduction_rate rework_measure description",
        nullable="tier stage",
    ),
    table(
        "staging.business_time", Kind.SNAPSHOT, "One row per calendar and UTC segment, cut at UTC midnights.",
        "The calendars as segments of UTC that cover the horizon without gap or overlap. F(t), the open seconds up to an "
        "instant t, is open_seconds_before, plus t - segment_start_at where the segment is open.",
        key="calendar segment_start_at",
        columns="""calendar utc_date segment_start_at segment_end_at is_open kind local_date open_seconds_before
                   holiday_seconds_before""",
        rules=(Rule("segment_start_at", "<", "segment_end_at"),),
    ),
    table(
        "staging.business_hours_dim", Kind.SNAPSHOT, "One row per calendar, hour of open time and segment that holds a part of it.",
        "The inverse of F: the instant at which X open seconds have gone by lies in a segment of hour (X - 1) // 3600.",
        key="calendar open_hour_number segment_start_at",
        columns="calendar open_hour_number segment_start_at segment_end_at open_seconds_before",
        rules=(Rule("segment_start_at", "<", "segment_end_at"),),
    ),
    table(
        "staging.business_minutes_dim", Kind.PARTITIONED, "One row per business minute of the desk's calendar.",
        "The minute spine: an independent witness of business time, built minute by minute.",
        key="minute_start_at",
        columns="business_date minute_start_at minute_number",
        partition_column="business_date",
    ),
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
        "staging.case_owners", Kind.PARTITIONED, "One row per case and contiguous stretch held by one team and agent.",
        "Who held a case when: as events and changes of team and agent tell.",
        key="case_id started_at",
        columns="source case_id intake_date team agent started_at ended_at event_id",
        nullable="event_id",
        rules=(Rule("started_at", "<", "ended_at"),),
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
        "staging.case_attributes", Kind.PARTITIONED, "One row per case, attribute and stretch of time in which it had one value.",
        "What a case was when, of the attributes that policies and metrics ask for; the team among them. Gap-free from intake on.",
        key="case_id attribute valid_from",
        columns="source case_id intake_date attribute value valid_from valid_to event_id",
        nullable="event_id",
        rules=(Rule("valid_from", "<", "valid_to"),),
    ),
    table(
        "staging.sla_signals", Kind.PARTITIONED, "One row per case, signal and event that gave it.",
        "What the metrics of sla_policies.yml listen to: statuses, reopens, messages, changes of hands. An event may be several signals.",
        key="case_id event_id signal signal_at",
        columns="source case_id intake_date signal signal_at sort_rank source_sequence event_id",
        nullable="event_id",
    ),
    table(
        "staging.case_sla_policies", Kind.PARTITIONED, "One row per case, metric and stretch of time under one promise.",
        "Which policy is in force when: the first whose scope the case meets, and what the source itself applied.",
        key="case_id metric policy in_force_from_at",
        columns="""source case_id intake_date metric policy calendar target_seconds reopen change schedule_change
                   is_on_case_schedule is_source_promise in_force_from_at in_force_to_at""",
        rules=(Rule("in_force_from_at", "<", "in_force_to_at"),),
    ),
    table(
        "staging.case_sla_calendars", Kind.PARTITIONED, "One row per case, metric, kind of promise and stretch of time by one calendar.",
        "Which calendar counts when, where it can change: with another policy, or with the schedule of the case. Gap-free from intake on.",
        key="case_id metric is_source_promise calendar_from_at",
        columns="source case_id intake_date metric is_source_promise calendar calendar_from_at calendar_to_at",
        rules=(Rule("calendar_from_at", "<", "calendar_to_at"),),
    ),
    table(
        "staging.sla_cycles", Kind.PARTITIONED, "One row per case, metric, way of reopening, cycle and part.",
        "When a metric ran of which the case was promised something: from a start signal to the stop that ended it.",
        key="case_id metric reopen cycle part",
        columns="""source case_id intake_date metric reopen cycle part started_at stopped_at cycle_started_at is_last_part
                   is_stopped_by_event reason start_event_id end_event_id""",
        nullable="reason",
    ),
    table(
        "staging.sla_clock_windows", Kind.PARTITIONED, "One row per case, policy, metric and cycle.",
        "What was promised for each cycle, from when it counts and until when; not judged yet.",
        key="case_id policy metric cycle",
        columns="""source case_id intake_date policy metric reopen cycle calendar target_seconds schedule_change
                   is_calendar_changed is_source_promise started_at counted_from_at stopped_at is_superseded is_stopped_by_event reason start_event_id end_event_id""",
        nullable="reason",
        rules=(Rule("started_at", "<=", "counted_from_at"),),
    ),
    table(
        "staging.sla_clock_spans", Kind.PARTITIONED, "One row per case, policy, metric, cycle and stretch in one state and by one calendar.",
        "Where every second of a clock went: it ran, was paused, was out of hours or on a holiday, or the policy did not count yet.",
        key="case_id policy metric cycle started_at state",
        columns="""source case_id intake_date policy metric cycle state is_only_span calendar started_at stopped_at event_id
                   open_seconds_at_start open_seconds_at_stop running_seconds paused_seconds closed_hours_seconds
                   holiday_seconds policy_switch_seconds""",
        nullable="event_id paused_seconds",
        rules=(Rule("started_at", "<=", "stopped_at"),),
    ),
    table(
        "staging.sla_clocks", Kind.PARTITIONED, "One row per case, policy, metric and cycle.",
        "Each promise's clock, judged: when it ran, how long in open seconds of its calendar, when it was due, how it ended. A "
        "running clock has no elapsed time here; mart.open_clocks judges it.",
        key="case_id policy metric cycle",
        columns="""source case_id intake_date policy metric cycle calendar started_at stopped_at elapsed_seconds paused_seconds
                   target_seconds due_at early_seconds outcome reason is_stopped_by_event is_open is_superseded
                   is_source_promise start_event_id end_event_id""",
        nullable="reason",
    ),
    table(
        "staging.schedule_change_clocks", Kind.PARTITIONED, "One row per clock in whose life the calendar changed.",
        "The time such a clock took under either rule of counting, beside what the source measured; mart.schedule_rule_agreement adds up.",
        key="case_id policy metric cycle",
        columns="""source case_id intake_date policy metric cycle schedule_change is_source_promise started_at stopped_at
                   in_force_elapsed_seconds last_elapsed_seconds source_elapsed_seconds""",
    ),
    table(
        "staging.sla_root_causes", Kind.PARTITIONED, "One row per breached clock that has stopped.",
        "What took it: the stage with the most time beyond its peers, and who held it.",
        key="case_id policy metric cycle",
        columns="""source case_id intake_date policy metric cycle root_cause_stage root_cause_owner root_cause_business_minutes
                   peer_median_business_minutes beyond_peers_business_minutes peer_clocks""",
    ),
    table(
        "staging.source_clock_comparison", Kind.PARTITIONED, "One row per verdict of the source itself.",
        "The source's verdicts beside our clocks of the same promise, with the difference and why.",
        key="verdict_id",
        columns="""source verdict_id case_id intake_date metric cycle source_is_breached source_breached_ts source_elapsed_seconds
                   policy outcome reason elapsed_seconds due_at difference_seconds comparison""",
        nullable="cycle policy outcome reason",
    ),
    table(
        "staging.case_lifecycle", Kind.VIEW, "One row per case and point of its life.",
        "States, messages and holders in order: first response, resolution, reopens, and who held the case at each point.",
        key="case_id point_number",
        columns="""source case_id intake_date point_number happened_at point_id point is_reopen is_first_response
                   is_first_resolution team agent""",
    ),
    table(
        "staging.case_sla_metrics", Kind.PARTITIONED, "One row per case that was both touched and resolved (TRIAGE and RESOLVED, by the shipped policies).",
        "The promises of a case side by side, with the minutes behind them.",
        key="case_id",
        columns="""source case_id intake_date intake_ts tier case_type priority first_touch_ts resolution_ts resolution_calendar
                   first_touch_business_minutes resolution_incl_wait_business_minutes
                   resolution_incl_wait_target_business_minutes resolution_paused_business_minutes customer_wait_business_minutes resolution_calendar_minutes
                   is_first_touch_before_intake is_sla_b_breached is_sla_a_incl_wait_breached is_sla_a_paused_breached
                   is_reopened""",
        nullable="is_sla_b_breached is_sla_a_incl_wait_breached is_sla_a_paused_breached",  # a clock nobody configured
        rules=(
            Rule("resolution_incl_wait_business_minutes", "<=", "resolution_calendar_minutes"),
        ),
    ),
    table(
        "staging.case_stage_durations", Kind.PARTITIONED,
        "One row per SLA case that reached REVIEW_QA after INVESTIGATION.",
        "Business minutes between the first milestones of a case.",
        key="case_id",
        columns="""source case_id intake_date tier case_type triage_to_investigation_business_minutes
                   investigation_to_review_business_minutes review_to_resolved_business_minutes
                   resolution_incl_wait_business_minutes""",
    ),
    table(
        "staging.daily_flow", Kind.PARTITIONED, "One row per intake date and the local date on which cases ended.",
        "Additive flow: how many cases of an intake date ended on which date. Every day-grain mart adds these up, so a late "
        "closing of an old case corrects each later day without a rebuild.",
        key="intake_date ended_date",
        columns="intake_date ended_date cases",
        rules=(),
    ),
    table(
        "staging.day_load", Kind.VIEW, "One row per local date of the desk's calendar.",
        "Flow, backlog, staffing and congestion of each day.",
        key="calendar_date",
        columns="""calendar_date is_business_day opened_cases ended_cases open_backlog_cases planned_heads effective_heads
                   congestion_index congestion_index_10bd_mean""",
    ),
    table(
        "staging.case_congestion_exposure", Kind.VIEW, "One row per case.",
        "How congested the desk was when the case came in: known at intake, so causal.",
        key="case_id",
        columns="case_id intake_date tier case_type congestion_exposure",
    ),
    table(
        "staging.reopen_penalty", Kind.VIEW, "One row per reopened case.",
        "Rework of a reopened case, measured and by the published proxy.",
        key="case_id",
        columns="""case_id intake_date tier case_type reopen_count reopened_ts last_resolved_ts
                   measured_rework_business_minutes proxy_rework_business_minutes""",
    ),
    table(
        "staging.first_replies", Kind.VIEW, "One row per case that a person has answered.",
        "When, who, and how long it took; where the desk began, from the customer's first message on.",
        key="case_id",
        columns="source case_id intake_date first_reply_at first_reply_agent first_reply_calendar_minutes first_reply_business_minutes",
    ),
    table(
        "staging.case_source_facts", Kind.VIEW, "One row per case of which its source tells something that no clock asks for.",
        "raw.source_facts with a column a fact: ratings, bots, handling, and what the source counted itself, to stand beside mart.case_facts.",
        key="case_id",
        columns="""source case_id intake_date rating_number rating_word rating_verdict is_rating_offered is_bot_involved is_bot_resolved
                   bot_rating_number handling_calendar_minutes sla_name source_reply_count source_reopen_count
                   source_agent_station_count source_team_station_count
                   source_first_reply_calendar_minutes source_first_reply_business_minutes
                   source_first_resolution_calendar_minutes source_first_resolution_business_minutes
                   source_full_resolution_calendar_minutes source_full_resolution_business_minutes
                   source_agent_wait_calendar_minutes source_agent_wait_business_minutes
                   source_requester_wait_calendar_minutes source_requester_wait_business_minutes
                   source_on_hold_calendar_minutes source_on_hold_business_minutes""",
    ),
    table(
        "staging.case_dimensions", Kind.PARTITIONED, "One row per case and dimension that sources.yml names for its source.",
        "Custom fields, forms and fields of organisations, as sources.yml names them; the latest value.",
        key="case_id dimension_name",
        columns="source case_id intake_date dimension_name dimension_value",
        nullable="dimension_value",
    ),
]
