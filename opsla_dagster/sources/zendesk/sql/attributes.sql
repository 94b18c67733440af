-- One row is an attribute of a case with its first value: what its first change says it was before, or what it still is.
with first_changes as (
    select
        case_id,
        attribute,
        arg_min_null(previous_value, row(changed_ts, audit_number, position)) as value
    from attribute_changes
    group by case_id, attribute
),

as_they_stand as (
    select
        used_cases.case_id,
        field_attributes.attribute,
        case field_attributes.field
            when 'tags' then nullif(array_to_string(list_sort(cast(used_cases.payload -> '$.tags' as varchar[])), ' '), '')
            when 'via' then used_cases.channel
            else coalesce(
                case
                    when starts_with(field_attributes.field, 'organization.')
                        then nullif(organizations.payload ->> ('$.organization_fields."' || substr(field_attributes.field, 14) || '"'), '')
                end,
                nullif(used_cases.payload ->> ('$.' || field_attributes.field), ''),
                nullif(used_cases.payload ->> ('$.custom_fields."' || field_attributes.field || '"'), '')
            )
        end as value,
        field_attributes.kind
    from used_cases
    cross join field_attributes
    left join landed_organizations as organizations on used_cases.payload ->> '$.organization_id' = organizations.id
)

select
    as_they_stand.case_id,
    as_they_stand.attribute,
    case
        when first_changes.case_id is not null then first_changes.value
        else coalesce(names.name, as_they_stand.value)
    end as value
from as_they_stand
left join first_changes using (case_id, attribute)
left join names on as_they_stand.kind = names.kind and as_they_stand.value = names.id
