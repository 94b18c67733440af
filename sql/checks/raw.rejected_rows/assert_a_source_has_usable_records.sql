-- Sources of which every record was rejected, whatever the gates say: their tables would be empty, and look like a desk without cases.
-- A failure means that the mapping does not fit what the source sends; look first at the reasons in raw.rejected_rows, then at the
-- source's columns, statuses and time format in sources.yml.
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
    source,
    rejected_rows,
    source_rows
from by_source
where rejected_rows >= source_rows
