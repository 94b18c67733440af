-- One row is an attribute of a case with its first value: what its first change says was before, else what it still is.
with standing as (
    select
        used_cases.case_id,
        unnest([
            {'attribute': 'agent', 'value': used_cases.agent},
            {'attribute': 'team', 'value': coalesce(teams.name, payload ->> '$.team_assignee_id')},
            {'attribute': 'priority', 'value': payload ->> '$.priority'},
            {'attribute': 'channel', 'value': channel},
            {'attribute': 'customer', 'value': payload ->> '$.company.name'},
            {'attribute': 'tags', 'value': array_to_string(plain_tags(payload ->> '$.tags.tags[*].name'), ' ')},
            {
                'attribute': 'region',
                'value': case getvariable('region_from')
                    when 'team' then coalesce(teams.name, payload ->> '$.team_assignee_id')
                    when 'company' then payload ->> '$.company.name'
                end
            }
        ]) as pair
    from used_cases
    left join teams on used_cases.payload ->> '$.team_assignee_id' = teams.id
),

named as (
    select
        used_cases.case_id,
        named_attributes.attribute,
        used_cases.payload -> '$.custom_attributes' ->> named_attributes.name as value
    from used_cases
    cross join named_attributes
),

together as (
    select case_id, pair.attribute as attribute, pair.value as value
    from standing
    where pair.attribute <> 'region' or getvariable('region_from') in ('team', 'company')
    union all
    select case_id, attribute, value
    from named
),

first_changes as (
    select case_id, attribute, previous_value
    from attribute_changes
    qualify row_number() over (partition by case_id, attribute order by changed_ts, audit_number, change_id) = 1
)

select
    together.case_id,
    together.attribute,
    nullif(case when first_changes.case_id is null then together.value else first_changes.previous_value end, '') as value
from together
left join first_changes on together.case_id = first_changes.case_id and together.attribute = first_changes.attribute
