-- One row: how many records of the sources could not be used, and their share of all records of the sources that have any such.
-- Rejected records are those of whole files, whatever dates a run loads; so are the records they are a share of.
with rejected_rows as (
    select distinct
        source,
        file,
        row_number,
        source_rows
    from raw.rejected_rows
),

by_source as (
    select
        source,
        count(*) as rejected_rows,
        max(source_rows) as source_rows
    from rejected_rows
    group by source
)

select
    coalesce(sum(rejected_rows), 0) * 1.0 as rejected_rows,
    coalesce(100.0 * sum(rejected_rows) / nullif(sum(source_rows), 0), 0.0) as pct_rejected_rows
from by_source
