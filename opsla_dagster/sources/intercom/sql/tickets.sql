-- One row is a stored conversation as it stands, with its fields typed.
select
    id as ticket_id,
    getvariable('prefix') || id as case_id,
    epoch_instant(payload ->> '$.created_at') as intake_ts,
    local_date(epoch_instant(payload ->> '$.created_at')) as intake_date,
    epoch_instant(payload ->> '$.updated_at') as updated_ts,
    payload ->> '$.created_at' as created_text,
    payload ->> '$.updated_at' as updated_text,
    payload ->> '$.state' as state,
    payload ->> '$.source.type' as channel,
    payload ->> '$.source.delivered_as' as type,
    payload ->> '$.source.author.type' as author_type,
    payload ->> '$.source.author.id' as author,
    coalesce(try_cast(payload ->> '$.source.author.from_ai_agent' as boolean), false) as is_from_ai_agent,
    payload ->> '$.admin_assignee_id' as agent,
    epoch_instant(payload ->> '$.statistics.last_close_at') as last_close_ts,
    try_cast(payload ->> '$.conversation_parts.total_count' as bigint) as parts_told,
    coalesce(json_array_length(payload, '$.conversation_parts.conversation_parts'), 0) as parts_given,
    payload
from landed_conversations
