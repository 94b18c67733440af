-- Case ids of the window that another source holds too.
-- A failure means that two sources share ids, and cases would be counted twice; look first at the `source` of both rows and give
-- one source a case_id_prefix in sources.yml.
with fresh_partitions as (
    select
        case_id,
        source,
        intake_date
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    fresh_partitions.case_id,
    fresh_partitions.source,
    fresh_partitions.intake_date,
    held.source as other_source,
    held.intake_date as other_intake_date
from raw.cases as held
inner join fresh_partitions on held.case_id = fresh_partitions.case_id
where held.source <> fresh_partitions.source
