-- One row is a case and a dimension that it had from intake on, with its first value.
select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || attributes.attribute as change_id,
    least(used_cases.intake_ts, min(changes.changed_ts)) as changed_ts,
    attributes.attribute,
    attributes.value
from attributes
inner join used_cases on attributes.case_id = used_cases.case_id
left join attribute_changes as changes on attributes.case_id = changes.case_id and attributes.attribute = changes.attribute
where starts_with(attributes.attribute, 'dimension.') and attributes.value is not null
group by used_cases.case_id, used_cases.intake_date, used_cases.intake_ts, attributes.attribute, attributes.value
