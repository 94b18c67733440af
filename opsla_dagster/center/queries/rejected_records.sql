-- One row is one reason why records of a source could not be used, with how many and the first of them.
select
    source,
    field,
    reason,
    count(distinct file || ':' || row_number) as records,
    max(source_rows) as source_records,
    arg_min(file, row_number) as file,
    min(row_number) as row_number,
    arg_min(case_id, row_number) as case_id
from raw.rejected_rows
group by source, field, reason
order by records desc, source, field, reason
limit 500
