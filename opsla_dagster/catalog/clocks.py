"""The area `clocks`. What was promised to a case, and its clocks: spans, verdicts, root causes.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/clocks/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.column_kinds import count, flag, instant, measure, text
from opsla_dagster.catalog.model import Column, Kind, Rule
from opsla_dagster.catalog.table import tables_with

#: From the life of a case to its judged clocks, in the order in which they are made.
CLOCK_PIPELINE = (
    "staging.case_attributes", "staging.sla_signals", "staging.case_sla_policies", "staging.case_sla_calendars", "staging.sla_cycles",
    "staging.sla_clock_windows", "staging.sla_clock_spans", "staging.sla_clocks",
)

COLUMNS = [
    # clocks
    Column("position", "BIGINT", "Position of the policy in sla_policies.yml; the first that a case meets is in force", at_least=1),
    text("role", "What the signal does to the clock; reopen: what starts it anew where the policy says so; after: what must have come before a "
          "start counts; start_if_outbound: what starts it instead of INTAKE in a case that the desk began",
          values=("start", "stop", "cancel", "pause", "reopen", "after", "start_if_outbound")),
    instant("signal_at", "When the signal was given", nullable=False),
    Column("signal_order", "BIGINT", "Place of the event among those that gave the case's signals: the group that has it at intake comes first, then "
           "by instant and the source's order; all signals of one event have one", at_least=1),
    flag("is_start", "It starts a clock that does not run; INTAKE where the case came in so"),
    flag("is_outbound_start", "It does so in a case that the desk began"),
    flag("is_stop", "It stops a running clock"),
    flag("is_end", "It stops or cancels a running clock"),
    flag("is_after", "One of the signals that must have come before a start counts"),
    flag("is_run_once", "A case has one clock at most, from its first start to the first stop after it"),
    flag("is_run_in_parts", "The clock goes on after a reopen"),
    flag("is_started_by_intake", "INTAKE starts the metric"),
    flag("is_started_by_customers", "A customer message starts the metric"),
    flag("is_started_otherwise_if_outbound", "In a case that the desk began INTAKE does not start the metric"),
    flag("is_started_after_another_signal", "A start of the metric counts only after another signal"),
    instant("valid_from_at", "The attribute has the value from here, inclusive", nullable=False),
    instant("valid_to_at", "and up to here, exclusive; NULL: for good"),
    flag("is_repeating", "Every start after a stop is a cycle of its own"),
    text("change", "From when the policy counts where it comes into force while a clock runs", values=("retroactive", "restart")),
    flag("is_calendar_changed", "Another calendar was in force earlier while the clock ran; schedule_change says which counts"),
    instant("calendar_from_at", "The calendar counts from here, inclusive", nullable=False),
    instant("calendar_to_at", "and up to here, exclusive; NULL: for good"),
    instant("in_force_from_at", "The promise is in force from here, inclusive", nullable=False),
    instant("in_force_to_at", "and up to here, exclusive; NULL: for good"),
    Column("part", "BIGINT", "Number of the part of a cycle that goes on after a reopen", at_least=1),
    instant("cycle_started_at", "Start of the cycle's first part", nullable=False),
    flag("is_last_part", "The cycle ends with this part"),
    text("start_event_id", "The event or message that started it; NULL: intake", nullable=True),
    text("end_event_id", "The event or message that ended it; NULL: none did", nullable=True),
    instant("counted_from_at", "From here on the policy counts: the start, or when the policy came into force", nullable=False),
    flag("is_only_span", "The clock ran in one stretch from start to stop"),
    count("running_seconds", "Open seconds in which the clock ran; NULL while it does", nullable=True),
    count("closed_hours_seconds", "Seconds outside the calendar's opening times; NULL while running", nullable=True),
    count("holiday_seconds", "Closed seconds of the calendar's holidays; NULL while running", nullable=True),
    count("policy_switch_seconds", "Seconds before the policy counted; NULL while running", nullable=True),
    measure("root_cause_business_minutes", "Business minutes the clock ran in that status"),
    measure("peer_median_business_minutes", "Median of the same over the clocks of the same policy and metric that came in on the same date"),
    count("peer_clocks", "Peers that ran in that status, the clock itself among them", at_least=1),
    count("early_seconds", "Target less elapsed: negative when late; NULL while running or unknown", nullable=True, at_least=None),
    count("paused_seconds", "Open seconds of the clock's calendar spent paused; NULL while running or unknown",
           nullable=True),
    flag("is_stopped_by_event", "A stop event ended the clock; false while running and when the case ended without one"),
    # milestones and spans
    instant("first_touch_ts", "When the first-touch clock was stopped: first TRIAGE by the shipped policies"),
    instant("resolution_ts", "When the first-resolution clock was stopped: first RESOLVED by the shipped policies; with resume, the last stop"),
    text("resolution_calendar", "The calendar on which the case's first resolution counts"),
    flag("is_first_touch_before_intake", "The first touch lies before intake: its minutes are unknown, never a breach"),
    # case measures
    measure("first_touch_business_minutes", "Intake to first touch, business minutes; NULL when the touch lies before"),
    measure("resolution_incl_wait_target_business_minutes", "Promise of the first resolution, waits counted, business minutes"),
    measure("resolution_paused_business_minutes", "Intake to first resolution, paused in waits, business minutes"),
    measure("customer_wait_business_minutes", "Waits before the first resolution that pause first_resolution_paused, business minutes"),
    measure("resolution_calendar_minutes", "Intake to first resolution, calendar minutes"),
    flag("is_sla_b_breached", "first_touch took more than its target; false when it is unknown"),
    flag("is_sla_a_incl_wait_breached", "first_resolution took more than its target, customer wait counted"),
    flag("is_sla_a_paused_breached", "first_resolution_paused took more than its target"),
]

table = tables_with(COLUMNS)

AREA = Area(
    "clocks",
    "What was promised to a case, and its clocks: spans, verdicts, root causes.",
    [
        table(
            "staging.sla_metric_rules", Kind.FULL_REFRESH, "One row per metric, role and signal.",
            "The metrics of sla_policies.yml as data: what starts, stops, cancels and pauses a clock.",
            key="metric role signal",
            columns="metric role signal is_repeating",
        ),
        table(
            "staging.sla_signal_roles", Kind.FULL_REFRESH, "One row per metric, way of reopening and signal.",
            "What each signal does to the clocks of a metric, under each way of reopening; made from staging.sla_metric_rules alone.",
            key="metric reopen signal",
            columns="""metric reopen signal is_start is_outbound_start is_stop is_end is_after is_repeating is_run_once is_run_in_parts
                       is_started_by_intake is_started_by_customers is_started_otherwise_if_outbound is_started_after_another_signal""",
        ),
        table(
            "staging.sla_policies", Kind.FULL_REFRESH, "One row per policy and metric.",
            "The promises of sla_policies.yml as data.",
            key="policy metric",
            columns="policy position metric calendar target_seconds reopen change schedule_change objective_pct",
        ),
        table(
            "staging.sla_policy_scopes", Kind.FULL_REFRESH, "One row per policy, attribute and value.",
            "Whom the policies are for; a policy without rows is for every case.",
            key="policy attribute value",
            columns="policy position attribute value",
        ),
        table(
            "staging.case_attributes", Kind.PARTITIONED, "One row per case, attribute and stretch of time in which it had one value.",
            "What a case was when, of the attributes that policies and metrics ask for; the team among them. Gap-free from intake on.",
            key="case_id attribute valid_from_at",
            columns="source case_id intake_date attribute value valid_from_at valid_to_at event_id",
            nullable="event_id",
            rules=(Rule("valid_from_at", "<", "valid_to_at"),),
        ),
        table(
            "staging.sla_signals", Kind.PARTITIONED, "One row per case, signal and event that gave it.",
            "What the metrics of sla_policies.yml listen to: statuses, reopens, messages, changes of hands. An event may be several signals.",
            key="case_id event_id signal signal_at",
            columns="source case_id intake_date signal signal_at signal_order event_id",
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
            "staging.sla_root_causes", Kind.PARTITIONED, "One row per breached clock that has stopped.",
            "What took it: the stage with the most time beyond its peers, and who held it.",
            key="case_id policy metric cycle",
            columns="""source case_id intake_date policy metric cycle root_cause_stage root_cause_owner root_cause_business_minutes
                       peer_median_business_minutes beyond_peers_business_minutes peer_clocks""",
        ),
        table(
            "staging.case_rejections", Kind.VIEW, "One row per case of which records were rejected that its clocks may rest on.",
            "How many records of the case were rejected, of all sources, links and repetitions left out.",
            key="case_id",
            columns="source case_id intake_date rejected_records",
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
    ],
)
