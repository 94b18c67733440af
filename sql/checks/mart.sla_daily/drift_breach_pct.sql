-- Intake dates whose breach rate of the first resolution, waits counted, lies more than 15 percentage points above the four weeks before.
-- A failure means that something changed abruptly; look first at mart.driver_stage_durations and the staffing of the date.
with days as (
    select
        intake_date,
        sla_cases,
        sla_a_incl_wait_breached_cases
    from mart.sla_daily
    where
        intake_date >= $start_date - interval 28 day
        and intake_date < $end_date
),

earlier_weeks as (
    select
        today.intake_date,
        today.sla_cases,
        100.0 * today.sla_a_incl_wait_breached_cases / nullif(today.sla_cases, 0) as breach_pct,
        100.0 * sum(earlier.sla_a_incl_wait_breached_cases) / nullif(sum(earlier.sla_cases), 0) as trailing_breach_pct
    from days as today
    inner join days as earlier
        on
            earlier.intake_date < today.intake_date
            and earlier.intake_date >= today.intake_date - interval 28 day
    where
        today.intake_date >= $start_date
        and today.intake_date < $end_date
    group by today.intake_date, today.sla_cases, today.sla_a_incl_wait_breached_cases
)

select
    intake_date,
    breach_pct,
    trailing_breach_pct
from earlier_weeks
where sla_cases >= 100 and breach_pct > trailing_breach_pct + 15
