-- Intake dates whose cases are not as many as the source said.
-- A failure means that the source changed while it was read; look first whether its files are still being written, and run again.
with loaded as (
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

announced as (
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
    announced.source,
    announced.intake_date,
    announced.cases as announced_cases,
    coalesce(loaded.cases, 0) as loaded_cases
from announced
left join loaded on announced.source = loaded.source and announced.intake_date = loaded.intake_date
where announced.cases <> coalesce(loaded.cases, 0)
