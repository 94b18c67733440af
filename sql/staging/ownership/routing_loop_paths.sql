-- One row is one intake date and path of a routing loop: from a team over others back to it.
-- Each return closes one loop, from the team's latest run before; a direct one is `A > B > A`. Away is the time by the clock from leaving the team
-- to its return. A loop is planned where the team between is a review team (ownership.yml) that gave the case back.
with handoffs as (
    select
        intake_date,
        case_id,
        team,
        run_number,
        visited_run_number,
        is_planned_return,
        started_at
    from staging.ownership_stints
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and previous_team is not null
),

loops as (
    select
        returns.intake_date,
        returns.case_id,
        returns.run_number,
        returns.is_planned_return as is_planned,
        returns.run_number - returns.visited_run_number as loop_handoff_count,
        returns.team || ' > ' || string_agg(handoffs.team, ' > ' order by handoffs.run_number) as loop_path,
        epoch_us(returns.started_at) // 1000000 - epoch_us(min(handoffs.started_at)) // 1000000 as away_calendar_seconds
    from handoffs as returns
    inner join handoffs
        on
            returns.case_id = handoffs.case_id
            and returns.visited_run_number < handoffs.run_number
            and returns.run_number >= handoffs.run_number
    where returns.visited_run_number is not null
    group by
        returns.intake_date, returns.case_id, returns.team, returns.run_number, returns.visited_run_number, returns.is_planned_return, returns.started_at
)

select
    intake_date,
    loop_path,
    is_planned,
    cast(loop_handoff_count as bigint) as loop_handoff_count,
    cast(count(*) as bigint) as loop_count,
    cast(count(distinct case_id) as bigint) as cases,
    cast(sum(away_calendar_seconds) as bigint) as away_calendar_seconds
from loops
group by intake_date, loop_path, is_planned, loop_handoff_count
