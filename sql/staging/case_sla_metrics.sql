-- One row is one case with TRIAGE and RESOLVED.
-- The case's clocks side by side, in minutes. A clock that is unknown has no minutes and is not a breach: TRIAGE before
-- intake leaves first touch NULL (docs/decisions/0006-clock-outcomes.md). A clock that sla_policies.yml does not have
-- leaves its columns NULL.
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        tier,
        case_type,
        priority,
        triage_ts,
        resolved_ts,
        reopen_count,
        is_triage_before_intake
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and triage_ts is not null
        and resolved_ts is not null
),

clocks as (
    select
        case_id,
        clock,
        elapsed_seconds,
        paused_seconds,
        outcome = 'breached' as is_breached
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

first_touch as (
    select *
    from clocks
    where clock = 'sla_b_first_touch'
),

resolution_incl_wait as (
    select *
    from clocks
    where clock = 'sla_a_resolution'
),

resolution_paused as (
    select *
    from clocks
    where clock = 'sla_a_resolution_paused'
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.tier,
    cases.case_type,
    cases.priority,
    cases.triage_ts,
    cases.resolved_ts,
    cast(first_touch.elapsed_seconds / 60.0 as double) as first_touch_business_minutes,
    cast(resolution_incl_wait.elapsed_seconds / 60.0 as double) as resolution_incl_wait_business_minutes,
    cast(resolution_paused.elapsed_seconds / 60.0 as double) as resolution_paused_business_minutes,
    cast(resolution_paused.paused_seconds / 60.0 as double) as customer_wait_business_minutes,
    cast(
        case
            when cases.resolved_ts >= cases.intake_ts
                then (epoch_us(cases.resolved_ts) - epoch_us(cases.intake_ts)) / 60000000.0
        end as double
    ) as resolution_calendar_minutes,
    cases.is_triage_before_intake,
    first_touch.is_breached as is_sla_b_breached,
    resolution_incl_wait.is_breached as is_sla_a_incl_wait_breached,
    resolution_paused.is_breached as is_sla_a_paused_breached,
    cases.reopen_count > 0 as is_reopened
from cases
left join first_touch on cases.case_id = first_touch.case_id
left join resolution_incl_wait on cases.case_id = resolution_incl_wait.case_id
left join resolution_paused on cases.case_id = resolution_paused.case_id
