-- One row is an attribute of a case with its first value: none where it was assigned later, else what it still is. Blanks separate tags,
-- so those within a tag are underscores.
with as_they_stand as (
    select
        used_cases.case_id,
        unnest([
            {'attribute': 'agent', 'value': used_cases.agent},
            {'attribute': 'team', 'value': coalesce(teams.name, payload ->> '$.team_assignee_id')},
            {'attribute': 'priority', 'value': payload ->> '$.priority'},
            {'attribute': 'channel', 'value': channel},
            {'attribute': 'customer', 'value': payload ->> '$.company.name'},
            {
                'attribute': 'tags',
                'value': array_to_string(
                    list_sort(list_transform(payload ->> '$.tags.tags[*].name', lambda name: regexp_replace(name, '\s+', '_', 'g'))), ' '
                )
            },
            {'attribute': 'tier', 'value': payload -> '$.custom_attributes' ->> getvariable('tier_attribute')},
            {'attribute': 'case_type', 'value': payload -> '$.custom_attributes' ->> getvariable('case_type_attribute')},
            {
                'attribute': 'region',
                'value': case getvariable('region_from')
                    when 'team' then coalesce(teams.name, payload ->> '$.team_assignee_id')
                    when 'company' then payload ->> '$.company.name'
                    else payload -> '$.custom_attributes' ->> getvariable('region_from')
                end
            }
        ]) as told
    from used_cases
    left join teams on used_cases.payload ->> '$.team_assignee_id' = teams.id
),

changed as (
    select distinct case_id, attribute
    from attribute_changes
)

select
    as_they_stand.case_id,
    as_they_stand.told.attribute as attribute,
    case when changed.case_id is null then nullif(as_they_stand.told.value, '') end as value
from as_they_stand
left join changed on as_they_stand.case_id = changed.case_id and as_they_stand.told.attribute = changed.attribute
