-- Intake dates whose flow does not count every case once.
-- A failure means that backlog and congestion would be wrong; look first at sql/staging/flow/daily_flow.sql.
with flow as (
    select
        intake_date,
        sum(cases) as cases,
        sum(case when ended_date is null then cases else 0 end) as open_cases
    from staging.daily_flow
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

milestones as (
    select
        intake_date,
        count(*) as cases,
        count(*) filter (where is_open) as open_cases
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    milestones.intake_date,
    milestones.cases,
    flow.cases as flow_cases,
    milestones.open_cases,
    flow.open_cases as flow_open_cases
from milestones
left join flow on milestones.intake_date = flow.intake_date
where flow.cases is null or flow.cases <> milestones.cases or flow.open_cases <> milestones.open_cases
