-- One row is one intake date and pair of teams: hand-offs from the one to the other, and how often the case came back.
-- It came back directly where the team that got it gave it back next; ever, where the team that gave it away holds it again at some time.
-- Detour is the time by the clock from a hand-off that came back directly to the return.
with runs as (
    select
        intake_date,
        case_id,
        team,
        run_number,
        min(started_at) as started_at
    from staging.ownership_stints
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and run_number is not null
    group by intake_date, case_id, team, run_number
),

neighbouring_runs as (
    select
        *,
        lag(team) over (partition by case_id order by run_number) as from_team,
        lead(team) over (partition by case_id order by run_number) as next_team,
        lead(started_at) over (partition by case_id order by run_number) as next_started_at
    from runs
),

last_runs as (
    select
        case_id,
        team,
        max(run_number) as last_run_number
    from runs
    group by case_id, team
)

select
    handoffs.intake_date,
    handoffs.from_team,
    handoffs.team as to_team,
    cast(count(*) as bigint) as team_handoff_count,
    cast(count(distinct handoffs.case_id) as bigint) as cases,
    cast(count(*) filter (where handoffs.next_team = handoffs.from_team) as bigint) as returned_directly_count,
    cast(count(*) filter (where last_runs.last_run_number > handoffs.run_number) as bigint) as returned_count,
    cast(
        coalesce(
            sum(epoch_us(handoffs.next_started_at) // 1000000 - epoch_us(handoffs.started_at) // 1000000)
            filter (where handoffs.next_team = handoffs.from_team),
            0
        ) as bigint
    ) as detour_calendar_seconds
from neighbouring_runs as handoffs
inner join last_runs on handoffs.case_id = last_runs.case_id and handoffs.from_team = last_runs.team
where handoffs.from_team is not null
group by handoffs.intake_date, handoffs.from_team, handoffs.team
