-- One row is a comment. An agent's public comment is a reply, unless the agent is the one who asks; a bot's is a bot's reply.
with written as (
    select
        used_cases.case_id,
        used_cases.intake_date,
        used_cases.case_id || '#' || history.audit_id || '.' || history.position as message_id,
        history.at_ts,
        history.audit_number,
        history.position,
        history.is_public,
        agents.agent,
        history.is_by_bot or coalesce(agents.is_bot, false) as is_by_bot,
        agents.agent is not null and history.author is distinct from used_cases.requester as is_by_agent
    from history
    inner join used_cases using (ticket_id)
    left join agents on history.author = agents.agent
    where history.type = 'Comment' and history.is_public is not null
)

select
    case_id,
    intake_date,
    message_id,
    at_ts as sent_ts,
    audit_number,
    position,
    case
        when not is_public then 'PRIVATE_NOTE'
        when is_by_bot then 'BOT_REPLY'
        when is_by_agent then 'PUBLIC_REPLY'
        else 'CUSTOMER_MESSAGE'
    end as signal,
    case
        when is_by_bot then 'bot'
        when is_by_agent or not is_public then 'person'
        else 'customer'
    end as author_kind,
    case when not is_public or is_by_agent then agent end as agent
from written
