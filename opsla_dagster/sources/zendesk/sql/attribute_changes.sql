-- One row is a field's change as a change of a case's attribute. A name that is not known any more is its number.
select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || history.audit_id || '.' || history.position || '.' || field_attributes.attribute as change_id,
    history.at_ts as changed_ts,
    history.audit_number,
    history.position,
    field_attributes.attribute,
    coalesce(after.name, history.value) as value,
    coalesce(before.name, history.previous) as previous_value
from history
inner join used_cases using (ticket_id)
inner join field_attributes on history.field = field_attributes.field
left join names as after on field_attributes.kind = after.kind and history.value = after.id
left join names as before on field_attributes.kind = before.kind and history.previous = before.id
where history.type = 'Change' and history.value is distinct from history.previous
