-- Cases that were resolved for good before they were resolved first, or that were on hold for longer than their customers waited.
-- A failure means that a stretch of a case is measured wrongly; look first at the stretches of sql/mart/case_facts.sql.
select
    case_id,
    intake_date,
    first_resolution_calendar_minutes,
    full_resolution_calendar_minutes,
    requester_wait_calendar_minutes,
    on_hold_calendar_minutes
from mart.case_facts
where
    intake_date >= $start_date
    and intake_date < $end_date
    and (
        first_resolution_calendar_minutes > full_resolution_calendar_minutes
        or first_resolution_business_minutes > full_resolution_business_minutes
        or on_hold_calendar_minutes > requester_wait_calendar_minutes
        or on_hold_business_minutes > requester_wait_business_minutes
        or requester_wait_business_minutes > requester_wait_calendar_minutes
    )
