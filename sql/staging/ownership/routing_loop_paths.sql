-- One row is one intake date and path of a routing loop: from a team over others back to it.
-- Each return closes one loop, from the team's latest run before; a direct one is `A > B > A`. Away is the time by the clock from leaving the team
-- to its return.
with runs as (
    select
        intake_date,
        case_id,
        team,
        run_number,
        max(visited_run_number) as visited_run_number,
        min(started_at) as started_at
    from staging.ownership_stints
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and run_number is not null
    group by intake_date, case_id, team, run_number
),

loops as (
    select
        returns.intake_date,
        returns.case_id,
        returns.run_number,
        returns.run_number - returns.visited_run_number as loop_handoff_count,
        string_agg(runs.team, ' > ' order by runs.run_number) as loop_path,
        epoch_us(min(returns.started_at)) // 1000000
        - epoch_us(min(runs.started_at) filter (where runs.run_number = returns.visited_run_number + 1)) // 1000000 as away_calendar_seconds
    from runs as returns
    inner join runs
        on
            returns.case_id = runs.case_id
            and returns.visited_run_number <= runs.run_number
            and returns.run_number >= runs.run_number
    where returns.visited_run_number is not null
    group by returns.intake_date, returns.case_id, returns.run_number, returns.visited_run_number
)

select
    intake_date,
    loop_path,
    cast(loop_handoff_count as bigint) as loop_handoff_count,
    cast(count(*) as bigint) as loop_count,
    cast(count(distinct case_id) as bigint) as cases,
    cast(sum(away_calendar_seconds) as bigint) as away_calendar_seconds
from loops
group by intake_date, loop_path, loop_handoff_count
