-- One row is one point in the life of a case: a status it came into, a message, or a change of who holds it.
-- In the order of instants, then of the source. Team and agent are who held the case then (staging.ownership_spans). The first response is the first public reply; the resolution the first RESOLVED.
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

ordered_points as (
    select
        *,
        row_number() over (partition by intake_date, case_id order by happened_at, source_sequence, point_id) as point_number,
        -- One order for all three: a window of its own a kind of point would sort every case once more.
        sum(case when point = 'PUBLIC_REPLY' then 1 else 0 end) over (
            partition by intake_date, case_id order by happened_at, source_sequence, point_id
            rows between unbounded preceding and current row
        ) as replies_so_far,
        sum(case when point = 'RESOLVED' then 1 else 0 end) over (
            partition by intake_date, case_id order by happened_at, source_sequence, point_id
            rows between unbounded preceding and current row
        ) as resolutions_so_far
    from points
)

select
    ordered_points.source,
    ordered_points.case_id,
    ordered_points.intake_date,
    cast(ordered_points.point_number as bigint) as point_number,
    ordered_points.happened_at,
    ordered_points.point_id,
    ordered_points.point,
    ordered_points.is_reopen,
    ordered_points.point = 'PUBLIC_REPLY' and ordered_points.replies_so_far = 1 as is_first_response,
    ordered_points.point = 'RESOLVED' and ordered_points.resolutions_so_far = 1 as is_first_resolution,
    nullif(owners.team, 'UNASSIGNED') as team,
    owners.agent
from ordered_points
left join staging.ownership_spans as owners
    on
        ordered_points.intake_date = owners.intake_date
        and ordered_points.case_id = owners.case_id
        and owners.is_holding_start
        and ordered_points.happened_at >= owners.held_from_at
        and (owners.held_to_at is null or ordered_points.happened_at < owners.held_to_at)
