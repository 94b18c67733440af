-- One row is a message: the one the conversation began with, and parts in which something was written or attached. What bots and
-- the AI agent write is no reply of a person, and none of the customer's.
with written as (
    select
        ticket_id, 'source' as part_id, cast(-2 as bigint) as audit_number, intake_ts as at_ts, author_type, author, is_from_ai_agent,
        false as is_note
    from tickets
    where author_type is not null
    union all
    select ticket_id, part_id, audit_number, at_ts, author_type, author, is_from_ai_agent, is_note
    from parts
    where has_content or is_note
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
        when written.author_type in ('admin', 'team') then 'PUBLIC_REPLY'
        else 'CUSTOMER_MESSAGE'
    end as signal,
    case when written.author_type in ('admin', 'team') or written.is_note then 'person' else 'customer' end as author_kind,
    case when written.author_type = 'admin' then written.author end as agent
from written
inner join used_cases using (ticket_id)
where written.author_type in ('admin', 'team', 'user', 'lead', 'contact') and not written.is_from_ai_agent
