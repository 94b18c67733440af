-- Intake dates whose arrivals do not have each of their cases opened once; a case that came in resolved was never open, and is no arrival.
-- A failure means that a case is counted twice or lost; look first at the late events of sql/staging/forecast/arrivals.sql: two of one instant.
with arrivals as (
    select
        intake_date,
        sum(opened_cases) as opened_cases
    from staging.arrivals
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

cases as (
    select
        intake_date,
        count(distinct case_id) as cases
    from staging.backlog_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_open
        and began_with = 'opened'
    group by intake_date
)

select
    cases.intake_date,
    cases.cases,
    arrivals.opened_cases
from cases
full outer join arrivals on cases.intake_date = arrivals.intake_date
where arrivals.opened_cases is distinct from cases.cases
