-- Intake dates whose figures are not the sums over their cases.
-- A failure means that the trend contradicts the cases; look first at sql/mart/attainment/sla_daily.sql.
with days as (
    select
        intake_date,
        opened_cases,
        sla_cases,
        sla_b_breached_cases
    from mart.sla_daily
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

cases as (
    select
        intake_date,
        count(*) as sla_cases,
        sum(case when is_sla_b_breached then 1 else 0 end) as sla_b_breached_cases
    from staging.case_sla_metrics
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    coalesce(days.intake_date, cases.intake_date) as intake_date,
    days.sla_cases,
    cases.sla_cases as sla_cases_of_cases
from days
full outer join cases on days.intake_date = cases.intake_date
where
    days.intake_date is null
    or days.sla_cases <> coalesce(cases.sla_cases, 0)
    or days.sla_b_breached_cases <> coalesce(cases.sla_b_breached_cases, 0)
    or days.sla_cases > days.opened_cases
