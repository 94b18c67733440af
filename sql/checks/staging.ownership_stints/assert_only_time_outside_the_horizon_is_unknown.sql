-- Stints whose open seconds are unknown although those of all their spans with an end are known.
-- A failure means that cases drop out of what is told in open time; look first at sql/staging/events/ownership_stints.sql.
with unknown_spans as (
    select distinct
        case_id,
        stint
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and ended_at > started_at
        and business_seconds is null
)

select
    stints.case_id,
    stints.stint
from staging.ownership_stints as stints
left join unknown_spans on stints.case_id = unknown_spans.case_id and stints.stint = unknown_spans.stint
where
    stints.intake_date >= $start_date
    and stints.intake_date < $end_date
    and stints.queue_business_seconds is null
    and unknown_spans.case_id is null
