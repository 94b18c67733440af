-- One row: what quality_gates.yml may bound about cases.
with loaded_cases as (
    select count(*) as cases
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

-- Dates without cases are there as well.
announced_dates as (
    select count(distinct intake_date) as days
    from raw.source_partitions
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select cast(loaded_cases.cases as double) / nullif(announced_dates.days, 0) as cases_per_day
from loaded_cases
cross join announced_dates
