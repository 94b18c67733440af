-- One row: how many records of the sources could not be used, and their share of all records read.
with rejected as (
    select count(*) as records
    from (
        select distinct
            source,
            file,
            row_number
        from raw.rejected_rows
    ) as distinct_records
),

used as (
    select coalesce(sum(events), 0) as records
    from raw.source_partitions
)

select
    rejected.records * 1.0 as rejected_rows,
    100.0 * rejected.records / nullif(rejected.records + used.records, 0) as pct_rejected_rows
from rejected
cross join used
