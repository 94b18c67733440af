-- One row is a change of an attribute: an assignment, a priority, tags, a named custom attribute. Conversations begin unassigned. What changed
-- before the case came in is what it began with.
with told as (
    select ticket_id, part_id, part_number, 'agent' as attribute, assigned_admin as value, cast(null as varchar) as first_value
    from parts
    where assigned_admin is not null or unassigned = 'admin'
    union all
    select
        parts.ticket_id, parts.part_id, parts.part_number,
        unnest(case when getvariable('region_from') = 'team' then ['team', 'region'] else ['team'] end) as attribute,
        coalesce(teams.name, parts.assigned_team) as value, cast(null as varchar) as first_value
    from parts
    left join teams on parts.assigned_team = teams.id
    where parts.assigned_team is not null or parts.unassigned = 'team'
    union all
    select
        ticket_id, part_id, part_number, 'priority' as attribute, details ->> '$.current_priority' as value,
        details ->> '$.previous_priority' as first_value
    from parts
    where starts_with(part_type, 'priority_changed') and details ->> '$.current_priority' is not null
    union all
    select tags.ticket_id, tags.part_id, parts.part_number, 'tags' as attribute, tags.tags_after as value, tags.tags_before as first_value
    from tags
    inner join parts on tags.ticket_id = parts.ticket_id and tags.part_id = parts.part_id
    union all
    select
        parts.ticket_id, parts.part_id, parts.part_number, named_attributes.attribute, nullif(parts.details ->> '$.value.name', '') as value,
        nullif(parts.details ->> '$.value.previous', '') as first_value
    from parts
    inner join named_attributes on parts.details ->> '$.attribute.name' = named_attributes.name
    where starts_with(parts.part_type, 'conversation_attribute_updated_by_')
),

with_previous as (
    select
        *,
        case
            when lag(part_number) over in_order is null then first_value
            else lag(value) over in_order
        end as previous_value
    from told
    window in_order as (partition by ticket_id, attribute order by part_number)
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || parts.part_id || '.' || with_previous.attribute as change_id,
    parts.at_ts as changed_ts,
    parts.audit_number,
    0 as position,
    with_previous.attribute,
    with_previous.value,
    with_previous.previous_value,
    parts.author as actor
from with_previous
inner join parts on with_previous.ticket_id = parts.ticket_id and with_previous.part_id = parts.part_id
inner join used_cases on with_previous.ticket_id = used_cases.ticket_id
where with_previous.value is distinct from with_previous.previous_value and parts.at_ts >= used_cases.intake_ts
