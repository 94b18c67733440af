-- Event ids of the window that another source holds too.
-- A failure means that two sources share ids, and an id would name two events; look first at the `source` of both rows and give
-- one source a case_id_prefix in sources.yml, which its event ids take too.
with fresh_partitions as (
    select
        event_id,
        source,
        case_id,
        intake_date
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    fresh_partitions.event_id,
    fresh_partitions.source,
    fresh_partitions.case_id,
    held.source as other_source,
    held.case_id as other_case_id,
    held.intake_date as other_intake_date
from raw.events_log as held
inner join fresh_partitions on held.event_id = fresh_partitions.event_id
where held.source <> fresh_partitions.source
