-- One row is a record that could not be used. Each is of a ticket's history or of what was promised to it, so that a clock may rest on it.
select
    getvariable('source') as source,
    resource,
    file,
    row_number,
    case_id,
    record_date,
    field,
    reason,
    record,
    source_rows,
    true as is_clock_relevant
from stored_rejected_rows
order by row_number
