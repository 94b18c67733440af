-- One row is a record that could not be used.
select
    getvariable('source') as source,
    file,
    row_number,
    case_id,
    record_date,
    field,
    reason,
    record,
    source_rows
from stored_rejected_rows
order by row_number
