-- One row is one case that ended in the $days days up to $at, the slowest first, with the percentiles of all of them: calendar time from intake to the end.
with ended_cases as (
    select
        cases.case_id,
        coalesce(cases.team, 'none') as queue,
        cases.priority,
        cases.intake_ts,
        cases.ended_at,
        (epoch_us(cases.ended_at) - epoch_us(cases.intake_ts)) / 60000000.0 as cycle_minutes
    from staging.case_milestones as cases
    where
        cases.ended_at <= $at
        and cases.ended_at > cast($at as timestamp) - to_days($days)
        and not cases.is_cancelled
        and ($queue is null or coalesce(cases.team, 'none') = $queue)
),

percentiles as (
    select
        count(*) as cases,
        quantile_cont(cycle_minutes, 0.5) as p50_minutes,
        quantile_cont(cycle_minutes, 0.85) as p85_minutes,
        quantile_cont(cycle_minutes, 0.95) as p95_minutes
    from ended_cases
)

select
    ended_cases.case_id,
    ended_cases.queue,
    ended_cases.priority,
    ended_cases.intake_ts,
    ended_cases.ended_at,
    ended_cases.cycle_minutes,
    ended_cases.cycle_minutes / 1440.0 as cycle_days,
    percentiles.cases,
    percentiles.p50_minutes,
    percentiles.p85_minutes,
    percentiles.p85_minutes / 1440.0 as p85_days,
    percentiles.p95_minutes
from ended_cases
cross join percentiles
-- The slowest are all there; of the others an even part, the same at every look.
qualify
    row_number() over (order by ended_cases.cycle_minutes desc, ended_cases.case_id) <= $slowest
    or hash(ended_cases.case_id) % greatest(percentiles.cases // $most, 1) = 0
order by ended_cases.cycle_minutes desc, ended_cases.case_id
