-- One row is one intake date and pair of teams: hand-offs from the one to the other, and how often the case came back.
-- It came back directly where the team that got it gave it back next; ever, where the team that gave it away holds it again at some time.
-- Planned is a direct return from a review team. Detour is the time by the clock from a hand-off that came back directly to the return, a planned one too.
with handoffs as (
    select
        intake_date,
        case_id,
        previous_team as from_team,
        team as to_team,
        run_number,
        visited_run_number,
        entered_by,
        is_planned_return,
        started_at
    from staging.ownership_stints
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and previous_team is not null
),

-- The run that a return goes back to ended with the hand-off that is undone.
returns as (
    select
        case_id,
        visited_run_number + 1 as undone_run_number,
        entered_by = 'return_direct' as is_direct,
        is_planned_return as is_planned,
        started_at
    from handoffs
    where visited_run_number is not null
)

select
    handoffs.intake_date,
    handoffs.from_team,
    handoffs.to_team,
    cast(count(*) as bigint) as team_handoff_count,
    cast(count(distinct handoffs.case_id) as bigint) as cases,
    cast(count(*) filter (where returns.is_direct) as bigint) as returned_directly_count,
    cast(count(returns.case_id) as bigint) as returned_count,
    cast(count(*) filter (where returns.is_planned) as bigint) as planned_return_count,
    cast(
        coalesce(
            sum(epoch_us(returns.started_at) // 1000000 - epoch_us(handoffs.started_at) // 1000000) filter (where returns.is_direct),
            0
        ) as bigint
    ) as detour_calendar_seconds
from handoffs
left join returns on handoffs.case_id = returns.case_id and handoffs.run_number = returns.undone_run_number
group by handoffs.intake_date, handoffs.from_team, handoffs.to_team
