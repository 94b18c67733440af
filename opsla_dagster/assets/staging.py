"""Staging assets: canonical events, spans, clocks and the measures of a case.

Belongs here: one line a staging table. Does not belong here: what the line's SQL says.
"""

from __future__ import annotations

import pyarrow as pa

from opsla_dagster.assets.factory import TableAsset, window_of
from opsla_dagster.assets.mixtures import refuse_mixtures
from opsla_dagster.assets.scope import Scope
from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.minute_spine import business_minutes
from opsla_dagster.settings.scenarios import scenario_levers
from opsla_dagster.settings.sla_policies import sla_metric_rules, sla_policies, sla_policy_scopes
from opsla_dagster.window import Window


def _sla_metric_rules(scope: Scope, part: Window | None) -> pa.Table:
    return sla_metric_rules(scope.settings.sla_policies)


def _sla_policies(scope: Scope, part: Window | None) -> pa.Table:
    return sla_policies(scope.settings.sla_policies, scope.calendars.calendars)


def _sla_policy_scopes(scope: Scope, part: Window | None) -> pa.Table:
    return sla_policy_scopes(scope.settings.sla_policies)


def _scenario_levers(scope: Scope, part: Window | None) -> pa.Table:
    return scenario_levers(scope.settings.scenarios)


def _business_time(scope: Scope, part: Window | None) -> pa.Table:
    return business_time(scope.calendars)


def _business_hours_dim(scope: Scope, part: Window | None) -> pa.Table:
    return business_hours(scope.calendars)


def _business_minutes_dim(scope: Scope, part: Window | None) -> pa.Table:
    return business_minutes(scope.settings.calendars, window_of(part))


# The snapshots wait for nothing: they refuse by themselves to give a warehouse the rules of another one's configuration.
STAGING = [
    TableAsset("staging.sla_metric_rules", "clocks", rows=_sla_metric_rules, before=refuse_mixtures),
    TableAsset("staging.sla_policies", "clocks", rows=_sla_policies, before=refuse_mixtures, reads_accounts=True),
    TableAsset("staging.sla_policy_scopes", "clocks", rows=_sla_policy_scopes, before=refuse_mixtures),
    TableAsset("staging.scenario_levers", "scenarios", rows=_scenario_levers, before=refuse_mixtures),
    TableAsset(
        "staging.business_time", "calendars", rows=_business_time, before=refuse_mixtures, reads_accounts=True,
        checks=["assert_segments_cover_the_horizon"],
    ),
    TableAsset("staging.business_hours_dim", "calendars", rows=_business_hours_dim, before=refuse_mixtures, reads_accounts=True),
    TableAsset("staging.business_minutes_dim", "calendars", deps=["raw.calendar_dim"], rows=_business_minutes_dim),
    TableAsset(
        "staging.events_deduped", "events", deps=["raw.events_log"], checks=["assert_copies_add_up_to_raw_events"],
    ),
    TableAsset(
        "staging.events_clean", "events", deps=["staging.events_deduped", "raw.cases"],
        checks=["assert_every_deduped_event_is_kept"],
    ),
    TableAsset(
        "staging.messages_deduped", "events", deps=["raw.messages"], checks=["assert_copies_add_up_to_raw_messages"],
    ),
    TableAsset(
        "staging.case_owners", "events", deps=["raw.cases", "raw.attribute_changes", "staging.events_clean"],
        checks=["assert_every_case_is_held_from_intake_on"],
    ),
    TableAsset(
        "staging.case_milestones", "events", deps=["raw.cases", "staging.events_clean"],
        checks=["assert_every_case_has_milestones"],
    ),
    TableAsset(
        "staging.status_spans", "clocks", deps=["staging.case_milestones", "staging.events_clean"],
        checks=["assert_spans_add_up_to_lifetimes"],
    ),
    TableAsset(
        "staging.case_sla_policies", "clocks",
        deps=[
            "staging.case_milestones", "raw.attribute_changes", "raw.applied_targets", "staging.sla_policies",
            "staging.sla_policy_scopes", "staging.sla_metric_rules",
        ],
        checks=["warn_promises_of_unknown_metrics"],
    ),
    TableAsset(
        "staging.case_sla_calendars", "clocks", deps=["staging.case_sla_policies", "staging.case_milestones", "raw.attribute_changes"],
    ),
    TableAsset(
        "staging.sla_cycles", "clocks",
        deps=[
            "staging.case_milestones", "staging.events_clean", "staging.messages_deduped", "staging.sla_metric_rules", "staging.case_sla_policies",
        ],
    ),
    TableAsset(
        "staging.sla_clock_windows", "clocks",
        deps=["staging.sla_cycles", "staging.case_sla_policies", "staging.case_sla_calendars", "staging.case_milestones"],
    ),
    TableAsset(
        "staging.sla_clock_spans", "clocks",
        deps=[
            "staging.sla_clock_windows", "staging.sla_cycles", "staging.case_sla_calendars", "staging.status_spans", "staging.sla_metric_rules",
            "staging.business_time",
        ],
        checks=["assert_every_second_is_attributed"],
    ),
    TableAsset(
        "staging.sla_clocks", "clocks",
        deps=["staging.sla_clock_windows", "staging.sla_clock_spans", "staging.business_hours_dim"],
        checks=["assert_every_case_has_every_clock", "warn_clocks_outside_the_horizon", "assert_verdicts_follow_the_rule"],
    ),
    TableAsset(
        "staging.schedule_change_clocks", "clocks",
        deps=[
            "staging.sla_clock_windows", "staging.sla_clock_spans", "staging.case_sla_calendars", "staging.sla_clocks", "staging.business_time",
            "raw.source_verdicts",
        ],
        checks=["assert_the_applied_rule_is_the_clocks_time"],
    ),
    TableAsset(
        "staging.sla_root_causes", "clocks",
        deps=[
            "staging.sla_clocks", "staging.sla_clock_spans", "staging.status_spans", "staging.case_owners", "staging.business_time",
            "staging.case_milestones",
        ],
        checks=["assert_every_breach_has_a_root_cause"],
    ),
    TableAsset(
        "staging.source_clock_comparison", "clocks",
        deps=["raw.source_verdicts", "raw.applied_targets", "staging.sla_clocks", "staging.business_time"],
    ),
    TableAsset(
        "staging.case_lifecycle", "events", deps=["staging.events_clean", "staging.messages_deduped", "raw.attribute_changes", "staging.case_owners"],
    ),
    TableAsset(
        "staging.case_sla_metrics", "clocks",
        # The spine is the witness of its check: without the edge it might be made afterwards, and the check look at old rows.
        deps=["staging.case_milestones", "staging.sla_clocks", "staging.business_minutes_dim"],
        checks=["assert_minutes_agree_with_the_minute_spine"],
    ),
    TableAsset(
        "staging.case_stage_durations", "drivers",
        deps=[
            "staging.case_milestones", "staging.case_sla_metrics", "staging.business_time",
        ],
        checks=["assert_stages_add_up"],
    ),
    TableAsset(
        "staging.daily_flow", "flow", deps=["staging.case_milestones", "staging.business_time"],
        checks=["assert_flow_adds_up_to_cases"],
    ),
    TableAsset(
        "staging.day_load", "flow", deps=["staging.daily_flow", "raw.calendar_dim", "raw.staffing_schedule"],
        checks=["assert_no_case_is_held_twice", "assert_backlog_is_never_negative"],
    ),
    TableAsset("staging.case_congestion_exposure", "flow", deps=["staging.case_milestones", "staging.day_load"]),
    TableAsset(
        "staging.reopen_penalty", "drivers",
        deps=[
            "staging.case_milestones", "staging.case_stage_durations", "staging.business_time", "staging.case_sla_metrics",
        ],
    ),
    TableAsset("staging.first_replies", "facts", deps=["staging.messages_deduped", "staging.case_milestones", "staging.business_time"]),
    TableAsset("staging.case_source_facts", "facts", deps=["raw.source_facts"]),
    TableAsset("staging.case_dimensions", "facts", deps=["raw.source_facts"]),
]
