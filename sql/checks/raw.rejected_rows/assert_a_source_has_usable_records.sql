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

-- A ticket system has records of several kinds, of which each has a number of its own.
by_source as (
    select
        source,
        source_rows,
        count(*) as rejected_rows
    from rejected_rows
    group by
        source,
        source_rows
)

select
    source,
    rejected_rows,
    source_rows
from by_source
where rejected_rows >= source_rows
