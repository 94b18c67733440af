-- One row is one contiguous stretch of a case held by one team and agent, from intake on; the last one has no end.
-- What an event or a change of team or agent tells holds from its instant on, until another is told: an event that names nobody tells
-- nothing, a change to nobody does. What was told before intake holds from intake on. Of several the one stamped last holds, of those stamped
-- alike the last in the source's order, as in staging.status_spans. Where no event ever names a team or agent, the first change says whose the
-- case was at intake; without one, raw.cases does.
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        team,
        agent,
        -- Windows sort by a number in less time than by an id.
        row_number() over (order by case_id) as case_number
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

changes as (
    select
        case_id,
        changed_ts,
        source_sequence,
        change_id,
        attribute,
        value,
        previous_value,
        row_number() over (partition by case_id, attribute order by changed_ts, source_sequence, change_id) as change_number
    from raw.attribute_changes
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and attribute in ('team', 'agent')
),

first_changes as (
    select
        case_id,
        max(previous_value) filter (where attribute = 'team') as team,
        max(previous_value) filter (where attribute = 'agent') as agent,
        bool_or(attribute = 'team') as is_team_changed,
        bool_or(attribute = 'agent') as is_agent_changed
    from changes
    where change_number = 1
    group by case_id
),

events as (
    select
        case_id,
        canonical_ts,
        source_sequence,
        event_id,
        team,
        agent
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and (team is not null or agent is not null)
),

cases_with_assignee_events as (
    select
        case_id,
        bool_or(team is not null) as is_team_named,
        bool_or(agent is not null) as is_agent_named
    from events
    group by case_id
),

-- Nobody is '' here, so that it is told from nothing said.
assignment_events as (
    select
        cases.case_number,
        0 as sort_rank,
        cases.intake_ts as told_at,
        cases.intake_ts as stamped_at,
        cast(-1 as bigint) as source_sequence,
        cast(null as varchar) as event_id,
        case
            when named.is_team_named then ''
            when first_changes.is_team_changed then coalesce(first_changes.team, '')
            else coalesce(cases.team, '')
        end as team,
        case
            when named.is_agent_named then ''
            when first_changes.is_agent_changed then coalesce(first_changes.agent, '')
            else coalesce(cases.agent, '')
        end as agent
    from cases
    left join first_changes on cases.case_id = first_changes.case_id
    left join cases_with_assignee_events as named on cases.case_id = named.case_id

    union all

    select
        cases.case_number,
        1 as sort_rank,
        case when events.canonical_ts < cases.intake_ts then cases.intake_ts else events.canonical_ts end as told_at,
        events.canonical_ts as stamped_at,
        events.source_sequence,
        events.event_id,
        events.team,
        events.agent
    from events
    inner join cases on events.case_id = cases.case_id

    union all

    select
        cases.case_number,
        1 as sort_rank,
        case when changes.changed_ts < cases.intake_ts then cases.intake_ts else changes.changed_ts end as told_at,
        changes.changed_ts as stamped_at,
        changes.source_sequence,
        changes.change_id as event_id,
        case when changes.attribute = 'team' then coalesce(changes.value, '') end as team,
        case when changes.attribute = 'agent' then coalesce(changes.value, '') end as agent
    from changes
    inner join cases on changes.case_id = cases.case_id
),

holders as (
    select
        case_number,
        told_at,
        event_id,
        last_value(team ignore nulls) over (
            partition by case_number
            order by sort_rank, stamped_at, source_sequence, event_id nulls first
            rows between unbounded preceding and current row
        ) as team,
        last_value(agent ignore nulls) over (
            partition by case_number
            order by sort_rank, stamped_at, source_sequence, event_id nulls first
            rows between unbounded preceding and current row
        ) as agent,
        lead(told_at) over (partition by case_number order by sort_rank, stamped_at, source_sequence, event_id nulls first) as next_told_at
    from assignment_events
),

-- Of several at one instant the last holds.
holders_with_previous as (
    select
        case_number,
        told_at,
        event_id,
        team,
        agent,
        lag(team) over (partition by case_number order by told_at) as previous_team,
        lag(agent) over (partition by case_number order by told_at) as previous_agent
    from holders
    where next_told_at is null or next_told_at > told_at
),

hand_offs as (
    select
        case_number,
        told_at,
        event_id,
        team,
        agent,
        previous_team is null or team <> previous_team as is_team_new,
        lead(previous_team is null or team <> previous_team) over (partition by case_number order by told_at) as is_next_team_new,
        lead(told_at) over (partition by case_number order by told_at) as next_hand_off_at
    from holders_with_previous
    where previous_team is null or team <> previous_team or agent <> previous_agent
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    nullif(hand_offs.team, '') as team,
    nullif(hand_offs.agent, '') as agent,
    hand_offs.told_at as started_at,
    hand_offs.next_hand_off_at as ended_at,
    hand_offs.is_team_new,
    coalesce(hand_offs.is_next_team_new, false) as is_team_left,
    hand_offs.event_id
from hand_offs
inner join cases on hand_offs.case_number = cases.case_number
