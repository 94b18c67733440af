-- Sources of which every record (of a ticket system: of one resource, such as its tickets) was rejected, whatever the gates say: their tables would be empty, and look like a desk without cases.
-- A failure means that the mapping does not fit what the source sends; look first at the reasons in raw.rejected_rows, then at the
-- source's columns, statuses and time format in sources.yml.
with rejected_rows as (
    select distinct
        source,
        resource,
        file,
        row_number,
        source_rows
    from raw.rejected_rows
),

by_resource as (
    select
        source,
        resource,
        source_rows,
        count(*) as rejected_rows
    from rejected_rows
    group by
        source,
        resource,
        source_rows
)

select
    source,
    resource,
    rejected_rows,
    source_rows
from by_resource
where rejected_rows >= source_rows
