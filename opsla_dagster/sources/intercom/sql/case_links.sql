-- One row is a link of a conversation to a ticket or to another conversation. Intercom tells that they are linked, and not since when.
-- A back-office ticket is what another team works on for this conversation; a tracker ticket is one problem of many conversations.
with unfolded as (
    select
        id as ticket_id,
        unnest(json_transform(payload -> '$.linked_objects.data', '[{"type": "VARCHAR", "id": "VARCHAR", "category": "VARCHAR"}]')) as link
    from landed_conversations
)

select
    used_cases.case_id,
    used_cases.intake_date,
    getvariable('prefix') || unfolded.link.id as linked_case_id,
    case lower(unfolded.link.category) when 'back-office' then 'escalation' when 'tracker' then 'problem' else 'related' end as link_kind,
    min(coalesce(unfolded.link.category, unfolded.link.type)) as source_link_kind,
    cast(null as timestamp) as linked_ts,
    cast(null as timestamp) as unlinked_ts
from unfolded
inner join used_cases using (ticket_id)
where unfolded.link.id is not null and unfolded.link.id <> unfolded.ticket_id
group by all
