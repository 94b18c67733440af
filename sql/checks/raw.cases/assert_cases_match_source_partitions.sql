-- Intake dates whose cases are not as many as the source said.
-- A failure means that the source changed while it was read; look first whether its files are still being written, and run again.
with raw_counts as (
    select
        source,
        intake_date,
        count(*) as cases
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by source, intake_date
),

partition_counts as (
    select
        source,
        intake_date,
        cases
    from raw.source_partitions
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    partition_counts.source,
    partition_counts.intake_date,
    partition_counts.cases as announced_cases,
    coalesce(raw_counts.cases, 0) as loaded_cases
from partition_counts
left join raw_counts on partition_counts.source = raw_counts.source and partition_counts.intake_date = raw_counts.intake_date
where partition_counts.cases <> coalesce(raw_counts.cases, 0)
