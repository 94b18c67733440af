-- Cases that this run's loads brought, or the latest ones, and that are held under another intake date too: a source moved their
-- intake, and only the new date was loaded. A refresh loads both; so does a run of a window that covers both.
-- A failure means that every figure would count them twice; look first at the two dates.
with latest_load as (
    select max(as_of_at) as as_of_at
    from raw.source_partitions
),

fresh_partitions as (
    select distinct loads.intake_date
    from raw.source_partitions as loads
    cross join latest_load
    where loads.as_of_at = $as_of_at or loads.as_of_at = latest_load.as_of_at
),

cases as (
    select
        cases.case_id,
        cases.intake_date
    from raw.cases as cases
    inner join fresh_partitions on cases.intake_date = fresh_partitions.intake_date
)

select
    cases.case_id,
    cases.intake_date,
    held.intake_date as other_intake_date
from raw.cases as held
inner join cases on held.case_id = cases.case_id
where held.intake_date <> cases.intake_date
