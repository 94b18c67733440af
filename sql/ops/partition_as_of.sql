-- One row is one source and intake date refreshed to the end: as of when its rows are what the source says.
-- That is its own load; or the latest refresh, which looked at every date and loaded those that had changed. A date loaded after
-- that refresh, as of an earlier instant, was not what it saw: it stands as of its load until the next one.
select
    partitions.source,
    partitions.intake_date,
    case
        when
            looks.as_of_at > partitions.as_of_at
            and (partitions.previous_look_at is null or looks.as_of_at > partitions.previous_look_at)
            then looks.as_of_at
        else partitions.as_of_at
    end as as_of_at
from ops.refreshed_partitions as partitions
left join ops.source_watermarks as looks on partitions.source = looks.source
