-- One row is what Intercom judged of a metric of a case, and the seconds of its statistics, which leave out what is outside office hours.
-- hit or missed is one verdict for all targets of the SLA: its metric is `any`, unless sources.yml names the one. Where parts tell which targets were
-- applied and missed, first_reply and first_resolution have verdicts of their own; a next reply has none, since no part says which one it was.
-- Seconds to a close are counted from the customer's first word on: where an agent began, our clocks begin before.
with applied as (
    select
        ticket_id,
        bool_or(details ->> '$.sla_definition.first_reply_time' is not null) as has_first_reply,
        bool_or(details ->> '$.sla_definition.time_to_close' is not null) as has_time_to_close,
        bool_or(
            details ->> '$.sla_definition.next_reply_time' is not null or details ->> '$.sla_definition.resolution_time' is not null
        ) as has_another
    from parts
    where starts_with(part_type, 'conversation_sla_applied_by_')
    group by ticket_id
),

missed as (
    select
        ticket_id,
        min(at_ts) as any_missed_ts,
        min(at_ts) filter (details ->> '$.sla_target_type' = 'first_reply_time') as first_reply_missed_ts,
        min(at_ts) filter (details ->> '$.sla_target_type' = 'time_to_close') as time_to_close_missed_ts,
        count(*) = count(details ->> '$.sla_target_type') as is_each_named
    from parts
    where part_type = 'conversation_sla_target_missed'
    group by ticket_id
),

stated as (
    select
        used_cases.case_id,
        used_cases.intake_date,
        used_cases.intake_ts,
        used_cases.updated_ts,
        used_cases.initiated_by,
        used_cases.state = 'closed' as is_closed,
        used_cases.payload ->> '$.statistics.first_admin_reply_at' is not null
        or used_cases.payload ->> '$.statistics.time_to_admin_reply' is not null as is_replied,
        used_cases.payload -> '$.statistics' as statistics,
        used_cases.payload ->> '$.sla_applied.sla_status' as sla_status,
        missed.any_missed_ts,
        missed.first_reply_missed_ts,
        missed.time_to_close_missed_ts,
        coalesce(applied.has_first_reply, false) or missed.first_reply_missed_ts is not null as has_first_reply,
        coalesce(applied.has_time_to_close, false) or missed.time_to_close_missed_ts is not null as has_time_to_close,
        coalesce(missed.is_each_named, false) as is_each_named,
        coalesce(not applied.has_another and applied.has_first_reply <> applied.has_time_to_close, false) as has_one_target
    from used_cases
    left join applied using (ticket_id)
    left join missed using (ticket_id)
),

-- Of a missed SLA the targets are told apart only where a part names each that was missed; one is kept once what it waits for has happened.
judged as (
    select
        *,
        coalesce(sla_status in ('hit', 'missed', 'active'), false) as is_under_sla,
        coalesce(sla_status in ('hit', 'active') or (sla_status = 'missed' and is_each_named), false) as is_told_apart,
        coalesce(sla_status = 'missed' and has_one_target, false) as is_only_target_missed,
        unnest([
            {'metric': 'any', 'is_promised': true, 'has_ended': false, 'missed_ts': any_missed_ts, 'seconds': cast(null as bigint)},
            {
                'metric': 'first_reply', 'is_promised': has_first_reply, 'has_ended': is_replied, 'missed_ts': first_reply_missed_ts,
                'seconds': try_cast(statistics ->> '$.time_to_admin_reply' as bigint)
            },
            {
                'metric': 'first_resolution', 'is_promised': has_time_to_close, 'has_ended': is_closed, 'missed_ts': time_to_close_missed_ts,
                'seconds': case when initiated_by is distinct from 'agent' then try_cast(statistics ->> '$.time_to_first_close' as bigint) end
            },
            {
                'metric': 'total_resolution', 'is_promised': false, 'has_ended': false, 'missed_ts': cast(null as timestamp),
                'seconds': case when initiated_by is distinct from 'agent' then try_cast(statistics ->> '$.time_to_last_close' as bigint) end
            },
            {
                'metric': 'next_reply', 'is_promised': false, 'has_ended': false, 'missed_ts': cast(null as timestamp), 'seconds': cast(null as bigint)
            }
        ]) as told
    from stated
),

beside as (
    select
        *,
        is_under_sla and told.metric = getvariable('sla_metric') and not (told.is_promised and told.metric <> 'any') as is_verdict_of_all,
        is_under_sla and told.is_promised and told.metric <> 'any' as is_verdict_of_its_own
    from judged
)

select
    case_id,
    intake_date,
    case_id || '#' || told.metric || '.1' as verdict_id,
    told.metric as metric,
    case when told.metric <> 'any' then cast(1 as bigint) end as cycle,
    is_verdict_of_all or is_verdict_of_its_own as is_promised,
    (is_verdict_of_all and sla_status = 'missed')
    or (is_verdict_of_its_own and (told.missed_ts is not null or is_only_target_missed)) as is_missed,
    intake_ts as known_ts,
    case
        when is_verdict_of_all and sla_status = 'missed' then any_missed_ts
        when is_verdict_of_its_own then told.missed_ts
    end as breached_ts,
    case
        when is_verdict_of_all and sla_status in ('hit', 'missed') then updated_ts
        when is_verdict_of_its_own and told.missed_ts is not null then told.missed_ts
        when is_verdict_of_its_own and is_only_target_missed then updated_ts
        when is_verdict_of_its_own and is_told_apart and told.has_ended then updated_ts
    end as ended_ts,
    told.seconds as elapsed_seconds,
    updated_ts as elapsed_ts
from beside
where is_verdict_of_all or is_verdict_of_its_own or told.seconds is not null
