-- One row: what quality_gates.yml may bound about cases.
with loaded as (
    select count(*) as cases
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

-- Dates without cases are there as well.
announced as (
    select count(distinct intake_date) as days
    from raw.source_partitions
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select cast(loaded.cases as double) / nullif(announced.days, 0) as cases_per_day
from loaded
cross join announced
