-- Intake dates and sources whose agents' replies and notes are not those of staging.messages_deduped.
-- A failure means that a month or an agent is lost or counted twice; look first at the activities of sql/staging/facts/agent_activity.sql.
with counted_replies as (
    select
        intake_date,
        source,
        sum(public_reply_count + private_note_count) as messages
    from staging.agent_activity
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date, source
),

messages as (
    select
        intake_date,
        source,
        count(*) as messages
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and agent is not null
        and signal in ('PUBLIC_REPLY', 'PRIVATE_NOTE')
    group by intake_date, source
)

select
    messages.intake_date,
    messages.source,
    messages.messages,
    counted_replies.messages as counted_messages
from messages
left join counted_replies on messages.intake_date = counted_replies.intake_date and messages.source = counted_replies.source
where counted_replies.messages is distinct from messages.messages
