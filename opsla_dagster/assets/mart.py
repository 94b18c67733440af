"""Mart assets: answers.

Belongs here: one line a mart table. Does not belong here: what the line's SQL says.
"""

from opsla_dagster.assets.factory import TableAsset

MART = [
    TableAsset(
        "mart.sla_daily", "sla", deps=["staging.case_milestones", "staging.case_sla_metrics"],
        checks=["assert_days_add_up_to_cases", "drift_breach_pct"],
    ),
    TableAsset("mart.sla_overall", "sla", deps=["staging.case_sla_metrics", "mart.sla_daily"]),
    TableAsset(
        "mart.sla_by_tier_case_type", "sla", deps=["staging.case_sla_metrics", "mart.sla_daily"],
        checks=["assert_cells_add_up_to_days"],
    ),
    TableAsset("mart.staffing_daily", "flow_marts", deps=["staging.day_load"]),
    TableAsset("mart.backlog_daily_proxy", "flow_marts", deps=["staging.day_load"]),
    TableAsset("mart.congestion_daily", "flow_marts", deps=["staging.day_load"]),
    TableAsset("mart.congestion_daily_v2", "flow_marts", deps=["staging.day_load"]),
    TableAsset("mart.driver_stage_durations", "drivers", deps=["staging.case_stage_durations"]),
    TableAsset("mart.driver_reopen_impact", "drivers", deps=["staging.case_sla_metrics"]),
    TableAsset("mart.driver_congestion_buckets", "drivers", deps=["staging.case_sla_metrics", "staging.day_load"]),
    TableAsset(
        "mart.driver_summary", "drivers",
        deps=[
            "mart.driver_stage_durations", "mart.driver_congestion_buckets", "staging.case_sla_metrics",
            "staging.case_milestones",
        ],
    ),
    TableAsset(
        "mart.scenario_results", "scenarios",
        deps=[
            "staging.scenario_levers", "staging.case_stage_durations", "staging.case_sla_metrics", "staging.reopen_penalty",
        ],
    ),
    TableAsset(
        "mart.open_clocks", "sla",
        deps=[
            "staging.sla_clocks", "staging.sla_clock_spans", "staging.case_milestones",
            "staging.business_time", "ops.partition_as_of",
        ],
    ),
    TableAsset(
        "mart.sla_attainment", "sla",
        deps=["staging.sla_clocks", "staging.case_milestones", "staging.sla_root_causes", "mart.open_clocks"],
    ),
    TableAsset(
        "mart.sla_attainment_daily", "sla",
        deps=["staging.sla_clocks", "staging.case_milestones", "staging.sla_root_causes", "staging.case_dimensions"],
        checks=["assert_every_clock_is_counted", "assert_named_dimensions_count_every_clock"],
    ),
    TableAsset(
        "mart.sla_overview", "sla", deps=["mart.sla_attainment_daily", "mart.open_clocks", "staging.case_milestones", "staging.case_dimensions"],
    ),
    TableAsset("mart.promise_durations", "sla", deps=["staging.sla_clocks"]),
    TableAsset("mart.source_clock_examples", "sla", deps=["staging.source_clock_comparison"]),
    TableAsset("mart.source_clock_comparison", "sla", deps=["staging.source_clock_comparison"]),
    TableAsset("mart.schedule_rule_agreement", "sla", deps=["staging.schedule_change_clocks"]),
    TableAsset(
        "mart.source_sla_comparison", "sla",
        deps=["staging.case_milestones", "staging.sla_clocks", "staging.source_clock_comparison"],
    ),
    TableAsset(
        "mart.case_facts", "facts",
        deps=[
            "staging.case_milestones", "staging.messages_deduped", "staging.status_spans", "staging.case_owners", "staging.business_time",
            "staging.first_replies", "staging.case_source_facts", "staging.case_dimensions",
        ],
        checks=["assert_facts_add_up"],
    ),
    TableAsset("mart.satisfaction", "facts", deps=["staging.case_source_facts", "staging.case_milestones"]),
    TableAsset(
        "mart.bot_involvement", "facts", deps=["staging.case_source_facts", "staging.case_milestones", "staging.messages_deduped"],
    ),
    TableAsset(
        "mart.agent_activity", "facts",
        deps=[
            "staging.messages_deduped", "staging.case_owners", "staging.events_clean", "staging.case_milestones", "staging.business_time",
            "staging.first_replies",
        ],
        checks=["assert_every_agents_reply_is_counted"],
    ),
]
