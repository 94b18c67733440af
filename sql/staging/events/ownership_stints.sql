-- One row is one stint: a maximal run of one team, or of nobody, in the life of a case.
-- A hand-off is the boundary of two teams: entered_by handoff, return_direct (the team of two runs before) or return_indirect (of an earlier
-- one). Time that nobody holds is a stint of UNASSIGNED (entered_by unassigned) and no hand-off: a team that takes a case up from nobody was
-- handed it where another team had held it last (then it is a hand-off from that team), else it has taken it up. Seconds are those that have
-- ended; inactive seconds are part of their state's. A direct return from a team that ownership.yml names as a review team is planned: it is a
-- hand-off and a return like others, and told apart (docs/decisions/0046-ownership.md).
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
        sum(case when state = 'queue' then calendar_seconds else 0 end) as queue_calendar_seconds,
        sum(case when state = 'active' then calendar_seconds else 0 end) as active_calendar_seconds,
        sum(case when state = 'wait_customer' then calendar_seconds else 0 end) as wait_customer_calendar_seconds,
        sum(case when state = 'wait_other' then calendar_seconds else 0 end) as wait_other_calendar_seconds,
        sum(case when state = 'done' then calendar_seconds else 0 end) as done_calendar_seconds,
        sum(inactive_calendar_seconds) as inactive_calendar_seconds,
        sum(case when state = 'queue' then business_seconds else 0 end) as queue_business_seconds,
        sum(case when state = 'active' then business_seconds else 0 end) as active_business_seconds,
        sum(case when state = 'wait_customer' then business_seconds else 0 end) as wait_customer_business_seconds,
        sum(case when state = 'wait_other' then business_seconds else 0 end) as wait_other_business_seconds,
        sum(case when state = 'done' then business_seconds else 0 end) as done_business_seconds,
        sum(inactive_business_seconds) as inactive_business_seconds,
        coalesce(bool_or(ended_at > started_at and business_seconds is null), false) as is_outside_horizon
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by source, case_id, intake_date, stint, team
),

-- Nobody's, with the teams before and after it; never is nobody followed by nobody.
unassigned_stints as (
    select
        nobody.case_id,
        nobody.stint,
        before.team as team_before,
        after.team as team_after
    from stints as nobody
    left join stints as before on nobody.case_id = before.case_id and nobody.stint - 1 = before.stint
    left join stints as after on nobody.case_id = after.case_id and nobody.stint + 1 = after.stint
    where nobody.team = 'UNASSIGNED'
),

-- Nobody has no run, and a team that gets a case back from nobody goes on with its own.
stints_without_a_new_run as (
    select
        case_id,
        stint
    from unassigned_stints

    union all

    select
        case_id,
        stint + 1 as stint
    from unassigned_stints
    where team_before = team_after
),

counted_stints_without_a_new_run as (
    select
        case_id,
        stint as from_stint,
        lead(stint) over (partition by case_id order by stint) as until_stint,
        row_number() over (partition by case_id order by stint) as stint_count
    from stints_without_a_new_run
),

numbered_stints as (
    select
        stints.*,
        coalesce(unassigned_stints.team_before, nullif(previous_stints.team, 'UNASSIGNED')) as previous_team,
        case when stints.team <> 'UNASSIGNED' then stints.stint - coalesce(skipped.stint_count, 0) end as run_number
    from stints
    left join stints as previous_stints on stints.case_id = previous_stints.case_id and stints.stint - 1 = previous_stints.stint
    left join unassigned_stints on stints.case_id = unassigned_stints.case_id and stints.stint - 1 = unassigned_stints.stint
    left join counted_stints_without_a_new_run as skipped
        on
            stints.case_id = skipped.case_id
            and stints.stint >= skipped.from_stint
            and (skipped.until_stint is null or stints.stint < skipped.until_stint)
),

-- A team with one run in a case never got it back.
returning_teams as (
    select
        case_id,
        team
    from numbered_stints
    where run_number is not null
    group by case_id, team
    having max(run_number) > min(run_number)
),

visits as (
    select
        stints.case_id,
        stints.stint,
        max(stints.run_number) over (
            partition by stints.case_id, stints.team order by stints.stint rows between unbounded preceding and 1 preceding
        ) as visited_run_number
    from numbered_stints as stints
    inner join returning_teams on stints.case_id = returning_teams.case_id and stints.team = returning_teams.team
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
    case when stints.run_number is not null and stints.team <> stints.previous_team then stints.previous_team end as previous_team,
    case
        when stints.stint = 1 then 'initial'
        when stints.run_number is null then 'unassigned'
        when stints.previous_team is null or stints.team = stints.previous_team then 'taken_up'
        when visits.visited_run_number is null then 'handoff'
        when stints.run_number - visits.visited_run_number = 2 then 'return_direct'
        else 'return_indirect'
    end as entered_by,
    coalesce(
        stints.team <> stints.previous_team and stints.run_number - visits.visited_run_number = 2 and review_teams.team is not null, false
    ) as is_planned_return,
    actors.entered_by_actor,
    cast(stints.run_number as bigint) as run_number,
    cast(case when stints.team <> stints.previous_team then visits.visited_run_number end as bigint) as visited_run_number,
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
from numbered_stints as stints
left join visits on stints.case_id = visits.case_id and stints.stint = visits.stint
left join actors on stints.case_id = actors.case_id and stints.stint = actors.stint
left join staging.review_teams as review_teams on stints.previous_team = review_teams.team
