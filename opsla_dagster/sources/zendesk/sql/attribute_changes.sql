-- One row is a field's change as a change of a case's attribute, or its change to another schedule or to other hours. A name that is not
-- known any more is its number.
with on_calendars as (
    select
        *,
        lag(calendar) over (partition by case_id order by from_ts, audit_number, position, change_number) as previous_calendar,
        row_number() over (partition by case_id order by from_ts, audit_number, position, change_number) as stretch_number
    from ticket_schedules
),

-- A ticket says true or false of a checkbox, and some of its history 1 or 0.
ticked as (
    select
        used_cases.ticket_id,
        field_attributes.field,
        coalesce(used_cases.payload ->> ('$.custom_fields."' || field_attributes.field || '"') in ('true', 'false'), false) as is_checkbox
    from used_cases
    cross join (select distinct field from field_attributes) as field_attributes
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || history.audit_id || '.' || history.position || '.' || field_attributes.attribute as change_id,
    history.at_ts as changed_ts,
    history.audit_number,
    history.position,
    field_attributes.attribute,
    case
        when ticked.is_checkbox and history.value in ('0', '1') then if(history.value = '1', 'true', 'false')
        else coalesce(after.name, history.value)
    end as value,
    case
        when ticked.is_checkbox and history.previous in ('0', '1') then if(history.previous = '1', 'true', 'false')
        else coalesce(before.name, history.previous)
    end as previous_value,
    history.actor
from history
inner join used_cases using (ticket_id)
inner join ticked using (ticket_id, field)
inner join field_attributes on history.field = field_attributes.field
left join names as after on field_attributes.kind = after.kind and history.value = after.id
left join names as before on field_attributes.kind = before.kind and history.previous = before.id
where history.type = 'Change' and history.value is distinct from history.previous

union all

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || on_calendars.change_number || '.schedule' as change_id,
    on_calendars.from_ts as changed_ts,
    on_calendars.audit_number,
    on_calendars.position,
    'schedule' as attribute,
    on_calendars.calendar as value,
    on_calendars.previous_calendar as previous_value,
    cast(null as varchar) as actor
from on_calendars
inner join used_cases using (case_id)
where on_calendars.stretch_number > 1 and on_calendars.calendar is distinct from on_calendars.previous_calendar
