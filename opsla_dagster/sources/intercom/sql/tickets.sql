-- One row is a stored conversation as it stands, with its fields typed.
-- One that an automation began (a campaign, a series, a workflow) comes in with the customer's first word, as Intercom counts: until then
-- nobody has asked for anything.
with typed as (
    select
        id as ticket_id,
        getvariable('prefix') || id as case_id,
        epoch_instant(payload ->> '$.created_at') as created_ts,
        epoch_instant(payload ->> '$.updated_at') as updated_ts,
        payload ->> '$.created_at' as created_text,
        payload ->> '$.updated_at' as updated_text,
        payload ->> '$.state' as state,
        payload ->> '$.source.type' as channel,
        payload ->> '$.source.delivered_as' as type,
        author_kind(
            payload ->> '$.source.author.type',
            try_cast(payload ->> '$.source.author.from_ai_agent' as boolean),
            try_cast(payload ->> '$.source.author.is_ai_answer' as boolean),
            coalesce(try_cast(payload ->> '$.source.author.is_bot' as boolean), false)
            or payload ->> '$.source.author.id' in (select id from bots)
        ) as author_kind,
        payload ->> '$.source.author.id' as author,
        case when payload ->> '$.admin_assignee_id' not in (select id from bots) then payload ->> '$.admin_assignee_id' end as agent,
        epoch_instant(payload ->> '$.statistics.last_close_at') as last_close_ts,
        epoch_instant(payload ->> '$.statistics.first_contact_reply_at') as first_contact_reply_ts,
        greatest(
            coalesce(try_cast(payload ->> '$.conversation_parts.total_count' as bigint), 0),
            coalesce(try_cast(payload ->> '$.statistics.count_conversation_parts' as bigint) - 1, 0)
        ) as parts_told,
        coalesce(json_array_length(payload, '$.conversation_parts.conversation_parts'), 0) as parts_given,
        payload
    from landed_conversations
),

first_written as (
    select ticket_id, min(at_ts) as at_ts
    from parts
    where is_message and author_kind = 'customer'
    group by ticket_id
),

-- Some channels hide who wrote: what a customer began was written by one.
begun as (
    select
        typed.* replace (
            coalesce(typed.author_kind, case initiators.initiated_by when 'customer' then 'customer' end) as author_kind
        ),
        coalesce(
            initiators.initiated_by, case typed.author_kind when 'person' then 'agent' when 'bot' then 'automation' else typed.author_kind end
        ) as initiated_by,
        least(first_written.at_ts, typed.first_contact_reply_ts) as first_answered_ts
    from typed
    left join initiators on typed.type = initiators.delivered_as
    left join first_written on typed.ticket_id = first_written.ticket_id
),

with_first_word as (
    select
        * exclude (first_answered_ts),
        case when author_kind = 'customer' then created_ts else first_answered_ts end as first_customer_ts
    from begun
),

taken_in as (
    select
        *,
        case when initiated_by = 'automation' then first_customer_ts else created_ts end as intake_ts
    from with_first_word
)

select
    *,
    local_date(intake_ts) as intake_date
from taken_in
