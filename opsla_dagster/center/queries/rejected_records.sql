-- One row is one reason why records of a resource of a source could not be used, with how many and the first of them; behind it how many reasons and records there are in all.
with reasons as (
    select
        source,
        resource,
        field,
        reason,
        count(distinct row(file, row_number)) as records,
        max(source_rows) as source_records,
        arg_min(file, row_number) as file,
        min(row_number) as row_number,
        arg_min(case_id, row_number) as case_id
    from raw.rejected_rows
    group by source, resource, field, reason
)

select
    *,
    count(*) over () as all_reasons,
    (select count(distinct row(source, file, row_number)) from raw.rejected_rows) as all_records
from reasons
order by records desc, source, resource, field, reason
limit 500
