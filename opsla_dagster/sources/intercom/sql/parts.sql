-- One row is a part of a conversation: what was said, or done. An unknown type is an event, unless it is some kind of note. Who wrote it is
-- NULL where Intercom does not tell: that is nobody's message.
with unfolded as (
    select
        id as ticket_id,
        unnest(
            json_transform(
                payload -> '$.conversation_parts.conversation_parts',
                '[{"id": "VARCHAR", "part_type": "VARCHAR", "created_at": "VARCHAR", "state": "VARCHAR", "has_content": "BOOLEAN",
                "assigned_admin": "VARCHAR", "assigned_team": "VARCHAR", "unassigned": "VARCHAR",
                "author": {"type": "VARCHAR", "id": "VARCHAR", "from_ai_agent": "BOOLEAN", "is_ai_answer": "BOOLEAN", "is_bot": "BOOLEAN"},
                "event_details": "JSON"}]'
            )
        ) as part
    from landed_conversations
),

typed as (
    select
        ticket_id,
        part.id as part_id,
        coalesce(try_cast(part.id as bigint), 0) as audit_number,
        epoch_instant(part.created_at) as at_ts,
        part.created_at as at_text,
        part.part_type as part_type,
        part.state as state,
        coalesce(part.has_content, false) as has_content,
        case when assignees.id is null then part.assigned_admin end as assigned_admin,
        part.assigned_team as assigned_team,
        case when assignees.id is null then part.unassigned else 'admin' end as unassigned,
        part.author.id as author,
        author_kind(
            part.author.type, part.author.from_ai_agent, part.author.is_ai_answer, coalesce(part.author.is_bot, false) or authors.id is not null
        ) as author_kind,
        part.event_details as details
    from unfolded
    left join bots as authors on part.author.id = authors.id
    left join bots as assignees on part.assigned_admin = assignees.id
    qualify row_number() over (partition by ticket_id, part.id order by part.created_at) = 1
)

select
    typed.* exclude (state),
    coalesce(part_types.state, typed.state) as state,
    case when starts_with(typed.part_type, 'note') then 'note' else coalesce(part_types.kind, 'event') end as kind,
    typed.author_kind is not null and (
        starts_with(typed.part_type, 'note')
        or (coalesce(part_types.kind, 'event') = 'message' and (typed.has_content or (typed.part_type = 'quick_reply' and typed.author_kind = 'customer')))
    ) as is_message,
    row_number() over (partition by typed.ticket_id order by typed.at_ts, typed.audit_number, typed.part_id) as part_number
from typed
left join part_types using (part_type)
