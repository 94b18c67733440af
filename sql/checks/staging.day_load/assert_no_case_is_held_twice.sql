-- Cases that the loads made last brought, and that are held under another intake date too: a source moved their intake, and only the
-- new date was loaded. A refresh loads both; so does a run of a window that covers both. Made last are the loads that no run has
-- written down as complete, and those as of the latest instant.
-- A failure means that every figure would count them twice; look first at the two dates.
with pending as (
    select loads.as_of_at
    from raw.source_partitions as loads
    left join ops.refreshed_partitions as done
        on
            loads.source = done.source
            and loads.intake_date = done.intake_date
            and loads.as_of_at = done.as_of_at
            and starts_with(done.digest, loads.digest)
    where done.source is null
),

latest as (
    select as_of_at
    from pending

    union

    select max(as_of_at) as as_of_at
    from raw.source_partitions
),

fresh as (
    select distinct loads.intake_date
    from raw.source_partitions as loads
    inner join latest on loads.as_of_at = latest.as_of_at
),

cases as (
    select
        cases.case_id,
        cases.intake_date
    from raw.cases as cases
    inner join fresh on cases.intake_date = fresh.intake_date
)

select
    cases.case_id,
    cases.intake_date,
    held.intake_date as other_intake_date
from raw.cases as held
inner join cases on held.case_id = cases.case_id
where held.intake_date <> cases.intake_date
