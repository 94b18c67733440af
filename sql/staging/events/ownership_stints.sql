-- One row is one stint: a maximal run of one team, or of nobody, in the life of a case.
-- A hand-off is the boundary of two teams: entered_by handoff, return_direct (the team of two runs before) or return_indirect (of an earlier
-- one). Time that nobody holds is a stint of UNASSIGNED (entered_by unassigned) and no hand-off: a team that takes a case up from nobody was
-- handed it where another team had held it last (then it is a hand-off from that team), else it has taken it up. Seconds are those that have
-- ended; inactive seconds are part of their state's (docs/decisions/0046-ownership.md).
with stints as (
    select
        source,
        case_id,
        intake_date,
        stint,
        team,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        bool_or(ended_at is null) as is_last,
        bool_or(is_open) as is_open,
        sum(calendar_seconds) filter (where state = 'queue') as queue_calendar_seconds,
        sum(calendar_seconds) filter (where state = 'active') as active_calendar_seconds,
        sum(calendar_seconds) filter (where state = 'wait_customer') as wait_customer_calendar_seconds,
        sum(calendar_seconds) filter (where state = 'wait_other') as wait_other_calendar_seconds,
        sum(calendar_seconds) filter (where state = 'done') as done_calendar_seconds,
        sum(inactive_calendar_seconds) as inactive_calendar_seconds,
        sum(business_seconds) filter (where state = 'queue') as queue_business_seconds,
        sum(business_seconds) filter (where state = 'active') as active_business_seconds,
        sum(business_seconds) filter (where state = 'wait_customer') as wait_customer_business_seconds,
        sum(business_seconds) filter (where state = 'wait_other') as wait_other_business_seconds,
        sum(business_seconds) filter (where state = 'done') as done_business_seconds,
        sum(inactive_business_seconds) as inactive_business_seconds,
        coalesce(bool_or(ended_at > started_at and business_seconds is null), false) as is_outside_horizon
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by source, case_id, intake_date, stint, team
),

team_stints as (
    select
        case_id,
        stint,
        team,
        lag(team) over (partition by case_id order by stint) as previous_team
    from stints
    where team <> 'UNASSIGNED'
),

-- A team that gets a case back from nobody goes on with its run.
numbered_runs as (
    select
        *,
        sum(case when previous_team is null or team <> previous_team then 1 else 0 end) over (
            partition by case_id order by stint rows between unbounded preceding and current row
        ) as run_number
    from team_stints
),

-- A team with one run in a case never got it back.
returning_teams as (
    select
        case_id,
        team
    from numbered_runs
    group by case_id, team
    having max(run_number) > min(run_number)
),

visits as (
    select
        runs.case_id,
        runs.stint,
        max(runs.run_number) over (
            partition by runs.case_id, runs.team order by runs.stint rows between unbounded preceding and 1 preceding
        ) as visited_run_number
    from numbered_runs as runs
    inner join returning_teams on runs.case_id = returning_teams.case_id and runs.team = returning_teams.team
),

-- Who changed the team at the instant with which a stint begins.
actors as (
    select
        stints.case_id,
        stints.stint,
        case when min(changes.actor) = max(changes.actor) then max(changes.actor) end as entered_by_actor
    from raw.attribute_changes as changes
    inner join stints
        on
            changes.case_id = stints.case_id
            and changes.changed_ts = stints.started_at
            and coalesce(changes.value, 'UNASSIGNED') = stints.team
    where
        changes.intake_date >= $start_date
        and changes.intake_date < $end_date
        and changes.attribute = 'team'
        and changes.actor is not null
    group by stints.case_id, stints.stint
)

select
    stints.source,
    stints.case_id,
    stints.intake_date,
    stints.stint,
    stints.team,
    case when runs.team <> runs.previous_team then runs.previous_team end as previous_team,
    case
        when stints.stint = 1 then 'initial'
        when runs.case_id is null then 'unassigned'
        when runs.previous_team is null or runs.team = runs.previous_team then 'taken_up'
        when visits.visited_run_number is null then 'handoff'
        when runs.run_number - visits.visited_run_number = 2 then 'return_direct'
        else 'return_indirect'
    end as entered_by,
    actors.entered_by_actor,
    cast(runs.run_number as bigint) as run_number,
    cast(case when runs.team <> runs.previous_team then visits.visited_run_number end as bigint) as visited_run_number,
    stints.started_at,
    case when not stints.is_last then stints.ended_at end as ended_at,
    stints.is_last,
    stints.is_open,
    stints.stint = 1 and stints.team = 'UNASSIGNED' as is_initial_missing,
    cast(coalesce(stints.queue_calendar_seconds, 0) as bigint) as queue_calendar_seconds,
    cast(coalesce(stints.active_calendar_seconds, 0) as bigint) as active_calendar_seconds,
    cast(coalesce(stints.wait_customer_calendar_seconds, 0) as bigint) as wait_customer_calendar_seconds,
    cast(coalesce(stints.wait_other_calendar_seconds, 0) as bigint) as wait_other_calendar_seconds,
    cast(coalesce(stints.done_calendar_seconds, 0) as bigint) as done_calendar_seconds,
    cast(coalesce(stints.inactive_calendar_seconds, 0) as bigint) as inactive_calendar_seconds,
    cast(case when not stints.is_outside_horizon then coalesce(stints.queue_business_seconds, 0) end as bigint) as queue_business_seconds,
    cast(case when not stints.is_outside_horizon then coalesce(stints.active_business_seconds, 0) end as bigint) as active_business_seconds,
    cast(case when not stints.is_outside_horizon then coalesce(stints.wait_customer_business_seconds, 0) end as bigint)
        as wait_customer_business_seconds,
    cast(case when not stints.is_outside_horizon then coalesce(stints.wait_other_business_seconds, 0) end as bigint)
        as wait_other_business_seconds,
    cast(case when not stints.is_outside_horizon then coalesce(stints.done_business_seconds, 0) end as bigint) as done_business_seconds,
    cast(case when not stints.is_outside_horizon then coalesce(stints.inactive_business_seconds, 0) end as bigint) as inactive_business_seconds
from stints
left join numbered_runs as runs on stints.case_id = runs.case_id and stints.stint = runs.stint
left join visits on stints.case_id = visits.case_id and stints.stint = visits.stint
left join actors on stints.case_id = actors.case_id and stints.stint = actors.stint
