-- One row is something that an update (audit) of a ticket says: a field that was set or changed, a comment, another schedule.
-- `position` is its place in the audit.
with audits as (
    select
        id as audit_id,
        payload ->> '$.ticket_id' as ticket_id,
        instant(payload ->> '$.created_at') as at_ts,
        payload ->> '$.created_at' as at_text,
        json_transform(
            payload -> '$.events',
            '[{"type": "VARCHAR", "field": "VARCHAR", "value": "VARCHAR", "previous": "VARCHAR", "public": "BOOLEAN", "author": "VARCHAR"}]'
        ) as events
    from landed_ticket_events
),

unfolded as (
    select
        audit_id,
        ticket_id,
        at_ts,
        at_text,
        unnest(events) as event,
        generate_subscripts(events, 1) as position
    from audits
)

select
    audit_id,
    coalesce(try_cast(audit_id as bigint), 0) as audit_number,
    ticket_id,
    at_ts,
    at_text,
    position,
    event.type as type,
    event.field as field,
    event.value as value,
    event.previous as previous,
    event.public as is_public,
    event.author as author
from unfolded
