-- One row is a stored metric event. A breach that Zendesk took back is marked deleted, and is none.
select
    id as metric_event_id,
    coalesce(try_cast(id as bigint), 0) as id_number,
    payload ->> '$.ticket_id' as ticket_id,
    payload ->> '$.metric' as source_metric,
    try_cast(payload ->> '$.instance_id' as bigint) as instance,
    payload ->> '$.type' as type,
    instant(payload ->> '$.time') as at_ts,
    payload ->> '$.time' as at_text,
    coalesce(payload ->> '$.sla.policy.title', payload ->> '$.group_sla.policy.title') as policy,
    coalesce(payload ->> '$.sla.policy.id', payload ->> '$.group_sla.policy.id') as policy_id,
    coalesce(
        payload ->> '$.sla.target_in_seconds', payload ->> '$.group_sla.target_in_seconds', payload ->> '$.sla.target',
        payload ->> '$.group_sla.target'
    ) as target_text,
    coalesce(
        try_cast(payload ->> '$.sla.target_in_seconds' as bigint),
        try_cast(payload ->> '$.group_sla.target_in_seconds' as bigint),
        try_cast(payload ->> '$.sla.target' as bigint) * 60,
        try_cast(payload ->> '$.group_sla.target' as bigint) * 60
    ) as target_seconds,
    coalesce(
        try_cast(payload ->> '$.sla.business_hours' as boolean), try_cast(payload ->> '$.group_sla.business_hours' as boolean)
    ) as is_in_business_hours,
    try_cast(payload ->> '$.status.calendar' as bigint) * 60 as calendar_seconds,
    try_cast(payload ->> '$.status.business' as bigint) * 60 as business_seconds,
    payload
from landed_metric_events
where coalesce(payload ->> '$.deleted', 'false') <> 'true'
