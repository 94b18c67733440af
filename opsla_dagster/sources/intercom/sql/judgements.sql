-- One row is what Intercom judged of a metric: hit or missed, one verdict for all targets of its policy, set beside the metric that
-- sources.yml names; and the seconds of its statistics, which leave out what is outside office hours.
with told as (
    select
        case_id,
        intake_date,
        intake_ts,
        updated_ts,
        payload ->> '$.sla_applied.sla_status' as sla_status,
        unnest([
            {'metric': 'first_reply', 'seconds': try_cast(payload ->> '$.statistics.time_to_admin_reply' as bigint)},
            {'metric': 'next_reply', 'seconds': cast(null as bigint)},
            {'metric': 'first_resolution', 'seconds': try_cast(payload ->> '$.statistics.time_to_first_close' as bigint)},
            {'metric': 'total_resolution', 'seconds': try_cast(payload ->> '$.statistics.time_to_last_close' as bigint)}
        ]) as judged
    from used_cases
),

beside as (
    select
        *,
        coalesce(judged.metric = getvariable('sla_metric') and sla_status in ('hit', 'missed', 'active'), false) as is_promised
    from told
)

select
    case_id,
    intake_date,
    case_id || '#' || judged.metric || '.1' as verdict_id,
    judged.metric as metric,
    cast(1 as bigint) as cycle,
    is_promised,
    is_promised and sla_status = 'missed' as is_missed,
    intake_ts as known_ts,
    cast(null as timestamp) as breached_ts,
    case when is_promised and sla_status in ('hit', 'missed') then updated_ts end as ended_ts,
    judged.seconds as elapsed_seconds,
    updated_ts as elapsed_ts
from beside
where is_promised or judged.seconds is not null
