"""Tables of the mart layer: answers, in units a person reads.

Belongs here: mart tables. Does not belong here: anything a dashboard would have to compute again.
"""

from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import table

_SLA_MEASURES = """sla_cases sla_b_breached_cases sla_a_incl_wait_breached_cases sla_a_paused_breached_cases
    sla_b_breach_pct sla_a_incl_wait_breach_pct sla_a_paused_breach_pct
    first_touch_p50_business_minutes first_touch_p90_business_minutes first_touch_p95_business_minutes
    resolution_incl_wait_p50_business_minutes resolution_incl_wait_p90_business_minutes
    resolution_incl_wait_p95_business_minutes
    resolution_paused_p50_business_minutes resolution_paused_p90_business_minutes
    resolution_paused_p95_business_minutes"""

MART = [
    table(
        "mart.sla_daily", Kind.PARTITIONED, "One row per intake date.",
        "Breach percentages and percentiles of the cases taken in on a date.",
        key="intake_date",
        columns=f"intake_date opened_cases {_SLA_MEASURES}",
    ),
    table(
        "mart.sla_overall", Kind.FULL_REFRESH, "One row: everything loaded.",
        "Breach percentages and percentiles over everything loaded.",
        key="sla_cases",
        columns=f"first_intake_date last_intake_date opened_cases {_SLA_MEASURES}",
        nullable="first_intake_date last_intake_date",
    ),
    table(
        "mart.sla_by_tier_case_type", Kind.FULL_REFRESH, "One row per tier and case type.",
        "Breach percentages and percentiles over everything loaded.",
        key="tier case_type",
        columns=f"tier case_type {_SLA_MEASURES}",
    ),
    table(
        "mart.staffing_daily", Kind.FULL_REFRESH, "One row per local date.",
        "Planned against available agents.",
        key="calendar_date",
        columns="calendar_date planned_heads effective_heads shrinkage_pct",
    ),
    table(
        "mart.backlog_daily_proxy", Kind.FULL_REFRESH, "One row per local date.",
        "Flow of cases and the backlog it leaves.",
        key="calendar_date",
        columns="calendar_date opened_cases ended_cases net_flow_cases open_backlog_cases",
    ),
    table(
        "mart.congestion_daily", Kind.FULL_REFRESH, "One row per local date.",
        "Workload against available agents.",
        key="calendar_date",
        columns="calendar_date opened_cases open_backlog_cases effective_heads congestion_index",
    ),
    table(
        "mart.congestion_daily_v2", Kind.FULL_REFRESH, "One row per local date.",
        "Workload against available agents, with its mean over the trailing 10 business days.",
        key="calendar_date",
        columns="""calendar_date opened_cases open_backlog_cases effective_heads congestion_index
                   congestion_index_10bd_mean""",
    ),
    table(
        "mart.driver_stage_durations", Kind.FULL_REFRESH, "One row per tier and stage.",
        "Where the time of a case goes, and each tier's bottleneck: the stage with the largest p95.",
        key="tier stage",
        columns="tier stage cases p50_business_minutes p90_business_minutes p95_business_minutes is_tier_bottleneck",
    ),
    table(
        "mart.driver_reopen_impact", Kind.FULL_REFRESH, "One row per tier, case type and whether cases were reopened.",
        "How much longer reopened cases take to their first resolution.",
        key="tier case_type is_reopened",
        columns="""tier case_type is_reopened cases resolution_incl_wait_avg_business_minutes
                   resolution_incl_wait_p50_business_minutes resolution_incl_wait_p90_business_minutes
                   resolution_incl_wait_p95_business_minutes sla_a_incl_wait_breach_pct""",
    ),
    table(
        "mart.driver_congestion_buckets", Kind.FULL_REFRESH, "One row per decile of congestion exposure.",
        "Whether cases taken in on congested days breach more.",
        key="exposure_decile",
        columns="""exposure_decile cases exposure_min exposure_max sla_b_breach_pct sla_a_incl_wait_breach_pct
                   sla_a_paused_breach_pct""",
    ),
    table(
        "mart.driver_summary", Kind.FULL_REFRESH, "One row per finding.",
        "What drives time and breaches: each finding as a key and a figure; the report has the words.",
        key="finding",
        columns="finding tier stage figure unit",
        nullable="tier stage figure",
    ),
    table(
        "mart.scenario_results", Kind.FULL_REFRESH, "One row per scenario.",
        "What would help: each scenario of scenarios.yml as a per-case counterfactual.",
        key="scenario",
        columns="""scenario description eligible_cases sla_a_incl_wait_breaches_before sla_a_incl_wait_breaches_avoided
                   breach_pct_before breach_pct_after hours_saved rework_measure""",
    ),
    table(
        "mart.sla_attainment", Kind.VIEW, "One row per clock.",
        "Kept or broken, by how much, and what took it: every clock, the open ones judged as of the last look: an open clock past its target is "
        "breached here, and running in staging.sla_clocks until it stops. Not published, for it is "
        "as long as the desk's history: opsla export --table mart.sla_attainment writes it.",
        key="case_id policy metric cycle",
        columns="""source case_id intake_date policy metric cycle priority tier case_type team brand region channel customer
                   started_at stopped_at due_at target_seconds elapsed_seconds early_business_minutes outcome reason is_open
                   is_superseded is_source_promise root_cause_stage root_cause_owner beyond_peers_business_minutes""",
        nullable="reason",
        is_published=False,
    ),
    table(
        "mart.sla_attainment_daily", Kind.PARTITIONED, "One row per intake date, source, policy, metric and value of one dimension.",
        "How the clocks stand, by queue, priority, tier, region, brand, channel, root cause and what sources.yml names besides; counts add up over "
        "dates.",
        key="intake_date source policy metric dimension dimension_value",
        columns="""intake_date source policy metric is_source_promise dimension dimension_value clocks met_clocks breached_clocks running_clocks
                   unknown_clocks late_seconds""",
    ),
    table(
        "mart.sla_overview", Kind.VIEW, "One row per source, policy, metric and value of one dimension.",
        "Attainment over everything loaded, breached open clocks counted.",
        key="source policy metric dimension dimension_value",
        columns="""source policy metric is_source_promise dimension dimension_value clocks met_clocks breached_clocks open_breached_clocks running_clocks
                   unknown_clocks attainment_pct late_avg_business_minutes""",
    ),
    table(
        "mart.source_clock_comparison", Kind.VIEW, "One row per source, metric and way of comparing.",
        "How often a source's own verdicts agree with our clocks, and how they differ.",
        key="source metric comparison",
        columns="""source metric comparison verdicts source_breached_verdicts breached_clocks difference_p50_business_minutes""",
    ),
    table(
        "mart.promise_durations", Kind.FULL_REFRESH, "One row per policy and metric.",
        "How long the clocks of each promise took, of those that were kept or broken.",
        key="policy metric",
        columns="""policy metric is_source_promise stopped_clocks paused_clocks elapsed_p50_business_minutes
                   elapsed_p90_business_minutes elapsed_p95_business_minutes""",
    ),
    table(
        "mart.source_clock_examples", Kind.FULL_REFRESH, "One row per source, metric, way of comparing and example, of up to three.",
        "Cases to look at where a source's own verdicts agree with our clocks and where they differ, the largest differences first.",
        key="source metric comparison example_number",
        columns="""source metric comparison example_number case_id cycle policy source_is_breached outcome source_elapsed_seconds
                   elapsed_seconds difference_seconds""",
        nullable="cycle policy outcome",
    ),
    table(
        "mart.open_clocks", Kind.FULL_REFRESH, "One row per running clock.",
        "What is about to break: running clocks as of when their date was last looked at, those past their target as breached.",
        key="case_id policy metric cycle",
        columns="""source case_id policy metric cycle is_source_promise tier case_type priority team brand region channel customer started_at
                   elapsed_seconds target_seconds remaining_seconds
                   due_at outcome is_paused as_of_at""",
        nullable="remaining_seconds",
    ),
    table(
        "mart.source_sla_comparison", Kind.FULL_REFRESH, "One row per source that has verdicts or resolved stamps of its own.",
        "The source's own verdicts and resolved stamps beside ours.",
        key="source",
        columns="""source compared_with cases source_verdict_cases source_breach_pct our_verdict_cases our_breach_pct
                   both_verdict_cases agreeing_cases source_resolved_cases source_resolution_p50_calendar_hours
                   source_resolution_p75_calendar_hours source_resolution_p90_calendar_hours
                   source_resolution_p95_calendar_hours""",
    ),
    table(
        "mart.schedule_rule_agreement", Kind.FULL_REFRESH, "One row per source, metric and rule of counting a schedule that changes.",
        "How often either rule gives the time that the source itself measured: the rule the source follows is the one that agrees.",
        key="source metric schedule_rule",
        columns="source metric schedule_rule is_applied_rule compared_clocks agreeing_clocks agreeing_pct",
    ),
    table(
        "mart.case_facts", Kind.VIEW, "One row per case.",
        "What was said, who held it, how long each side waited, how it ended and how it was rated. Not published, for it is as long as the "
        "desk's history: opsla export --table mart.case_facts writes it.",
        key="case_id",
        columns="""source case_id intake_date intake_ts priority tier case_type team agent brand region channel customer dimensions
                   initiated_by merged_into is_open is_cancelled public_reply_count bot_reply_count customer_message_count
                   private_note_count is_one_touch reopen_count agent_station_count team_station_count handoff_count first_reply_at first_reply_agent
                   first_reply_calendar_minutes first_reply_business_minutes
                   first_resolution_calendar_minutes first_resolution_business_minutes
                   full_resolution_calendar_minutes full_resolution_business_minutes
                   agent_wait_calendar_minutes agent_wait_business_minutes
                   requester_wait_calendar_minutes requester_wait_business_minutes
                   on_hold_calendar_minutes on_hold_business_minutes
                   rating_number rating_word rating_verdict is_bot_involved is_bot_resolved handling_calendar_minutes sla_name""",
        is_published=False,
    ),
    table(
        "mart.satisfaction", Kind.FULL_REFRESH, "One row per source and value of one dimension that has a rated case.",
        "How cases were rated; empty where no source tells ratings.",
        key="source dimension dimension_value",
        columns="source dimension dimension_value rated_cases good_cases bad_cases satisfaction_pct rating_mean_number",
    ),
    table(
        "mart.bot_involvement", Kind.FULL_REFRESH, "One row per source that has bots, and its cases with a bot or without one.",
        "What bots took part in and resolved, and how the other cases went; empty where no source tells of bots.",
        key="source is_bot_involved",
        columns="""source is_bot_involved cases bot_resolved_cases replied_cases resolved_cases bot_resolved_pct replied_pct
                   resolved_pct""",
    ),
    table(
        "mart.agent_activity", Kind.FULL_REFRESH, "One row per source, local month and agent who did something in it.",
        "What each agent answered, took and resolved. Figures of single persons are not published: opsla agents shows them, and "
        "opsla export --table mart.agent_activity writes them.",
        key="source month_date agent",
        columns="""source month_date agent public_reply_count private_note_count taken_cases resolved_cases reopened_after_cases
                   first_replied_cases first_reply_p50_business_minutes""",
        is_published=False,
    ),
]
