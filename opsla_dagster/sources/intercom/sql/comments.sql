-- One row is a message: the one a customer began with, and parts in which something was written, attached or chosen. What opens a conversation
-- that we began answers nobody and asks nothing: it is no message of the case. What bots and the AI agent write is a bot's reply.
with written as (
    select
        ticket_id,
        'source' as part_id,
        cast(-2 as bigint) as audit_number,
        created_ts as at_ts,
        author_kind,
        author,
        false as is_note
    from tickets
    where author_kind = 'customer'
    union all
    select
        ticket_id,
        part_id,
        audit_number,
        at_ts,
        author_kind,
        author,
        kind = 'note' as is_note
    from parts
    where is_message
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || written.part_id as message_id,
    written.at_ts as sent_ts,
    written.audit_number,
    0 as position,
    case
        when written.is_note then 'PRIVATE_NOTE'
        when written.author_kind = 'person' then 'PUBLIC_REPLY'
        when written.author_kind = 'bot' then 'BOT_REPLY'
        else 'CUSTOMER_MESSAGE'
    end as signal,
    written.author_kind,
    case when written.author_kind = 'person' then written.author end as agent
from written
inner join used_cases using (ticket_id)
where written.at_ts >= used_cases.intake_ts
