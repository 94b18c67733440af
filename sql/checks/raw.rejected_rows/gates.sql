-- One row: how many records of the sources could not be used, and their share of all records of the sources (of a ticket system: of its resources, such as tickets) that have any such.
-- Rejected records are those of whole files, whatever dates a run loads; so are the records they are a share of. Records of cases from before
-- desk.start_date are left out on purpose: they are listed in raw.rejected_rows, and no mess.
with rejected_rows as (
    select distinct
        source,
        resource,
        file,
        row_number,
        source_rows
    from raw.rejected_rows
    where strpos(reason, 'lies before desk.start_date') = 0
),

records_before_the_start as (
    select
        source,
        resource,
        count(*) as records
    from (
        select distinct
            source,
            resource,
            file,
            row_number
        from raw.rejected_rows
        where strpos(reason, 'lies before desk.start_date') > 0
    ) as early_records
    group by
        source,
        resource
),

by_resource as (
    select
        rejected_rows.source,
        rejected_rows.resource,
        count(*) as rejected_rows,
        rejected_rows.source_rows - coalesce(max(records_before_the_start.records), 0) as source_rows
    from rejected_rows
    left join records_before_the_start on rejected_rows.source = records_before_the_start.source and rejected_rows.resource = records_before_the_start.resource
    group by
        rejected_rows.source,
        rejected_rows.resource,
        rejected_rows.source_rows
)

select
    coalesce(sum(rejected_rows), 0) * 1.0 as rejected_rows,
    coalesce(100.0 * sum(rejected_rows) / nullif(sum(source_rows), 0), 0.0) as pct_rejected_rows
from by_resource
