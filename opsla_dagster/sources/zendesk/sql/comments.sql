-- One row is a comment. An agent's public comment is a reply, unless the agent is the one who asks; what nobody wrote is no message.
select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || history.audit_id || '.' || history.position as message_id,
    history.at_ts as sent_ts,
    history.audit_number,
    history.position,
    case
        when not history.is_public then 'PRIVATE_NOTE'
        when agents.agent is not null and history.author is distinct from used_cases.requester then 'PUBLIC_REPLY'
        else 'CUSTOMER_MESSAGE'
    end as signal,
    case
        when agents.agent is not null and (not history.is_public or history.author is distinct from used_cases.requester) then 'person'
        else 'customer'
    end as author_kind,
    case
        when not history.is_public or history.author is distinct from used_cases.requester then agents.agent
    end as agent
from history
inner join used_cases using (ticket_id)
left join agents on history.author = agents.agent
where history.type = 'Comment' and history.author is not null and history.is_public is not null
