-- One row is one source and intake date loaded: as of when its rows are what the source says.
-- That is its own load; or the latest refresh, which looked at every date and loaded those that had changed. A date loaded after
-- that refresh, as of an earlier instant, was not what it saw: it stands as of its load until the next one.
select
    partitions.source,
    partitions.intake_date,
    case
        when
            watermarks.as_of_at > partitions.as_of_at
            and (partitions.previous_watermark_at is null or watermarks.as_of_at > partitions.previous_watermark_at)
            then watermarks.as_of_at
        else partitions.as_of_at
    end as as_of_at
from raw.source_partitions as partitions
left join ops.source_watermarks as watermarks on partitions.source = watermarks.source
