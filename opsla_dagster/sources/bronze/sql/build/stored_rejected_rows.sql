-- One row is a record that cannot be used; its date is that on which its ticket was opened.
with openings as (
    select
        case_id,
        min(intake_date) as intake_date
    from tickets
    group by case_id
)

select
    resource,
    resource as file,
    row_number() over (order by resource, case_id, field, cast(payload as varchar)) as row_number,
    case_id,
    openings.intake_date as record_date,
    field,
    reason,
    cast(payload as varchar) as record,
    kind_records as source_rows
from rejected
left join openings using (case_id)
order by row_number
