-- One row is one point in the life of a case: a status it came into, a message, or a change of who holds it.
-- In the order of instants, then of the source. Team and agent are who held the case then (staging.case_owners). The first response is the first public reply; the resolution the first RESOLVED.
with points as (
    select
        source,
        case_id,
        intake_date,
        canonical_ts as happened_at,
        source_sequence,
        event_id as point_id,
        status as point,
        is_reopen
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
        false as is_reopen
    from staging.messages_deduped

    union all

    select
        source,
        case_id,
        intake_date,
        changed_ts as happened_at,
        source_sequence,
        change_id as point_id,
        attribute as point,
        false as is_reopen
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
        ) as number_of_its_kind
    from points
)

select
    ordered.source,
    ordered.case_id,
    ordered.intake_date,
    cast(ordered.point_number as bigint) as point_number,
    ordered.happened_at,
    ordered.point_id,
    ordered.point,
    ordered.is_reopen,
    ordered.point = 'PUBLIC_REPLY' and ordered.number_of_its_kind = 1 as is_first_response,
    ordered.point = 'RESOLVED' and ordered.number_of_its_kind = 1 as is_first_resolution,
    owners.team,
    owners.agent
from ordered
left join staging.case_owners as owners
    on
        ordered.intake_date = owners.intake_date
        and ordered.case_id = owners.case_id
        and ordered.happened_at >= owners.started_at
        and (owners.ended_at is null or ordered.happened_at < owners.ended_at)
