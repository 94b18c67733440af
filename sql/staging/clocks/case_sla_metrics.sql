-- One row is one case that was both touched and resolved: events stopped its first-touch and its resolution clock.
-- The case's clocks side by side, in minutes. A clock that is unknown has no minutes and is not a breach: a touch before intake
-- leaves first touch NULL; instants count in whole seconds (docs/decisions/0006-clock-outcomes.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        tier,
        case_type,
        priority,
        reopen_count
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

clocks as (
    select
        case_id,
        metric,
        calendar,
        stopped_at,
        target_seconds,
        elapsed_seconds,
        paused_seconds,
        outcome,
        reason
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_stopped_by_event
        and cycle = 1
        and not is_source_promise
),

promises as (
    select
        case_id,
        max(stopped_at) filter (where metric = 'first_touch') as first_touch_ts,
        max(elapsed_seconds) filter (where metric = 'first_touch') as first_touch_seconds,
        bool_or(metric = 'first_touch' and reason = 'stopped_before_start') as is_first_touch_before_intake,
        bool_or(metric = 'first_touch' and outcome = 'breached') as is_sla_b_breached,
        max(calendar) filter (where metric = 'first_resolution') as resolution_calendar,
        max(stopped_at) filter (where metric = 'first_resolution') as resolution_ts,
        max(elapsed_seconds) filter (where metric = 'first_resolution') as resolution_incl_wait_seconds,
        max(target_seconds) filter (where metric = 'first_resolution') as resolution_incl_wait_target_seconds,
        bool_or(metric = 'first_resolution' and outcome = 'breached') as is_sla_a_incl_wait_breached,
        max(elapsed_seconds) filter (where metric = 'first_resolution_paused') as resolution_paused_seconds,
        max(paused_seconds) filter (where metric = 'first_resolution_paused') as wait_seconds,
        bool_or(metric = 'first_resolution_paused' and outcome = 'breached') as is_sla_a_paused_breached
    from clocks
    group by case_id
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.tier,
    cases.case_type,
    cases.priority,
    promises.first_touch_ts,
    promises.resolution_ts,
    promises.resolution_calendar,
    cast(promises.first_touch_seconds / 60.0 as double) as first_touch_business_minutes,
    cast(promises.resolution_incl_wait_seconds / 60.0 as double) as resolution_incl_wait_business_minutes,
    cast(promises.resolution_incl_wait_target_seconds / 60.0 as double) as resolution_incl_wait_target_business_minutes,
    cast(promises.resolution_paused_seconds / 60.0 as double) as resolution_paused_business_minutes,
    cast(promises.wait_seconds / 60.0 as double) as customer_wait_business_minutes,
    cast(
        case
            when promises.resolution_ts >= cases.intake_ts
                then (epoch_us(promises.resolution_ts) // 1000000 - epoch_us(cases.intake_ts) // 1000000) / 60.0
        end as double
    ) as resolution_calendar_minutes,
    coalesce(promises.is_first_touch_before_intake, false) as is_first_touch_before_intake,
    promises.is_sla_b_breached,
    promises.is_sla_a_incl_wait_breached,
    promises.is_sla_a_paused_breached,
    cases.reopen_count > 0 as is_reopened
from cases
inner join promises on cases.case_id = promises.case_id
where promises.first_touch_ts is not null and promises.resolution_ts is not null
