-- Cases whose stages, in their usual order, take longer than the whole from TRIAGE to RESOLVED can.
-- A failure means that a stage counts time twice; look first at sql/staging/case_stage_durations.sql.
select
    case_id,
    triage_to_investigation_business_minutes,
    investigation_to_review_business_minutes,
    review_to_resolved_business_minutes,
    resolution_incl_wait_business_minutes
from staging.case_stage_durations
where
    intake_date >= $start_date
    and intake_date < $end_date
    and triage_to_investigation_business_minutes is not null
    and investigation_to_review_business_minutes + review_to_resolved_business_minutes
    > resolution_incl_wait_business_minutes + 0.001
