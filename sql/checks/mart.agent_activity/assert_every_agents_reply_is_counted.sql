-- Sources whose agents' replies and notes over all months are not those of staging.messages_deduped.
-- A failure means that a month or an agent is lost or counted twice; look first at the activities of sql/mart/facts/agent_activity.sql.
with counted as (
    select
        source,
        sum(public_reply_count + private_note_count) as messages
    from mart.agent_activity
    group by source
),

messages as (
    select
        source,
        count(*) as messages
    from staging.messages_deduped
    where agent is not null and signal in ('PUBLIC_REPLY', 'PRIVATE_NOTE')
    group by source
)

select
    messages.source,
    messages.messages,
    counted.messages as counted_messages
from messages
left join counted on messages.source = counted.source
where counted.messages is distinct from messages.messages
