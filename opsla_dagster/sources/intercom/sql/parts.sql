-- One row is a part of a conversation: what was said, or done.
with unfolded as (
    select
        id as ticket_id,
        unnest(
            json_transform(
                payload -> '$.conversation_parts.conversation_parts',
                '[{"id": "VARCHAR", "part_type": "VARCHAR", "created_at": "VARCHAR", "state": "VARCHAR", "has_content": "BOOLEAN",
                "assigned_admin": "VARCHAR", "assigned_team": "VARCHAR", "unassigned": "VARCHAR",
                "author": {"type": "VARCHAR", "id": "VARCHAR", "from_ai_agent": "BOOLEAN"}}]'
            )
        ) as part
    from landed_conversations
)

select
    ticket_id,
    part.id as part_id,
    coalesce(try_cast(part.id as bigint), 0) as audit_number,
    epoch_instant(part.created_at) as at_ts,
    part.created_at as at_text,
    part.part_type as part_type,
    part.state as state,
    coalesce(part.has_content, false) as has_content,
    part.assigned_admin as assigned_admin,
    part.assigned_team as assigned_team,
    part.unassigned as unassigned,
    part.author.type as author_type,
    part.author.id as author,
    coalesce(part.author.from_ai_agent, false) as is_from_ai_agent,
    part.part_type in ('note', 'note_and_reopen') as is_note
from unfolded
qualify row_number() over (partition by ticket_id, part.id order by part.created_at) = 1
