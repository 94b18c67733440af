-- One row is one case that ended in the $days days up to $at, the slowest first, with the percentiles of all of them: calendar hours from intake to the end.
with ended_cases as (
    select
        cases.case_id,
        coalesce(cases.team, 'none') as queue,
        cases.priority,
        cases.intake_ts,
        cases.ended_at,
        (epoch_us(cases.ended_at) - epoch_us(cases.intake_ts)) / 3600000000.0 as cycle_hours
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
        quantile_cont(cycle_hours, 0.5) as p50_hours,
        quantile_cont(cycle_hours, 0.85) as p85_hours,
        quantile_cont(cycle_hours, 0.95) as p95_hours
    from ended_cases
)

select
    ended_cases.case_id,
    ended_cases.queue,
    ended_cases.priority,
    ended_cases.intake_ts,
    ended_cases.ended_at,
    ended_cases.cycle_hours,
    percentiles.cases,
    percentiles.p50_hours,
    percentiles.p85_hours,
    percentiles.p95_hours
from ended_cases
cross join percentiles
-- The slowest are all there; of the others an even part, the same at every look.
qualify
    row_number() over (order by ended_cases.cycle_hours desc, ended_cases.case_id) <= $slowest
    or hash(ended_cases.case_id) % greatest(percentiles.cases // $most, 1) = 0
order by ended_cases.cycle_hours desc, ended_cases.case_id
