-- One row is one point in the life of a case: a status it came into, a message, or a change of who holds it.
-- In the order of instants, then of the source. Team and agent are who held the case then: as the event says, else as the last one before
-- said. The first response is the first public reply; the resolution the first RESOLVED.
with points as (
    select
        source,
        case_id,
        intake_date,
        canonical_ts as happened_at,
        source_sequence,
        event_id as point_id,
        status as point,
        is_reopen,
        team,
        agent
    from staging.events_clean

    union all

    select
        source,
        case_id,
        intake_date,
        sent_ts as happened_at,
        source_sequence,
        message_id as point_id,
        signal as point,
        false as is_reopen,
        cast(null as varchar) as team,
        agent
    from raw.messages

    union all

    select
        source,
        case_id,
        intake_date,
        changed_ts as happened_at,
        source_sequence,
        change_id as point_id,
        attribute as point,
        false as is_reopen,
        case when attribute = 'team' then value end as team,
        case when attribute = 'agent' then value end as agent
    from raw.attribute_changes
    where attribute in ('team', 'agent')
),

ordered as (
    select
        *,
        row_number() over (
            partition by intake_date, case_id order by happened_at, source_sequence, point_id
        ) as point_number,
        row_number() over (
            partition by intake_date, case_id, point order by happened_at, source_sequence, point_id
        ) as number_of_its_kind,
        last_value(team ignore nulls) over (
            partition by intake_date, case_id
            order by happened_at, source_sequence, point_id
            rows between unbounded preceding and current row
        ) as team_then,
        last_value(agent ignore nulls) over (
            partition by intake_date, case_id
            order by happened_at, source_sequence, point_id
            rows between unbounded preceding and current row
        ) as agent_then
    from points
)

select
    source,
    case_id,
    intake_date,
    cast(point_number as bigint) as point_number,
    happened_at,
    point_id,
    point,
    is_reopen,
    point = 'PUBLIC_REPLY' and number_of_its_kind = 1 as is_first_response,
    point = 'RESOLVED' and number_of_its_kind = 1 as is_first_resolution,
    team_then as team,
    agent_then as agent
from ordered
