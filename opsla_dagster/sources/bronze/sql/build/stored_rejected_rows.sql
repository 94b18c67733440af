-- One row is a record that cannot be used.
select
    resource as file,
    row_number() over (order by resource, case_id, field, cast(payload as varchar)) as row_number,
    case_id,
    field,
    reason,
    cast(payload as varchar) as record,
    (select count(*) from tickets) as source_rows
from rejected
order by row_number
