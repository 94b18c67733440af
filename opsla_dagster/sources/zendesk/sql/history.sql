-- One row is something that an update (audit) of a ticket says: a field that was set or changed, a comment, another schedule, a target or
-- policy that was set or taken off, a merge. What nobody wrote, and what comes through Zendesk's own bots, is by a bot.
-- `position` is its place in the audit.
with audits as (
    select
        id as audit_id,
        payload ->> '$.ticket_id' as ticket_id,
        instant(payload ->> '$.created_at') as at_ts,
        payload ->> '$.created_at' as at_text,
        payload ->> '$.author' as actor,
        json_transform(
            payload -> '$.events',
            '[{"type": "VARCHAR", "field": "VARCHAR", "value": "VARCHAR", "previous": "VARCHAR", "public": "BOOLEAN", "author": "VARCHAR", "via": "VARCHAR"}]'
        ) as events
    from landed_ticket_events
),

unfolded as (
    select
        audit_id,
        ticket_id,
        at_ts,
        at_text,
        actor,
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
    event.author as author,
    actor,
    event.type = 'Comment' and (event.author is null or coalesce(starts_with(event.via, 'answer_bot'), false)) as is_by_bot
from unfolded
