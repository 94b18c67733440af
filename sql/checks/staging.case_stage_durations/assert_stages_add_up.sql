-- Cases whose milestones are in order, yet whose stages do not add up to the time from TRIAGE to RESOLVED, or exceed the whole.
-- Only where first touch is TRIAGE and counts on SLA A's calendar, as shipped: else its minutes are no part of the whole.
-- A failure means that a stage counts time twice or loses it; look first at sql/staging/case_stage_durations.sql.
with stages as (
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
),

in_order as (
    select
        milestones.case_id,
        metrics.first_touch_business_minutes
    from staging.case_milestones as milestones
    inner join staging.case_sla_metrics as metrics on milestones.case_id = metrics.case_id
    where
        milestones.intake_date >= $start_date
        and milestones.intake_date < $end_date
        and metrics.intake_date >= $start_date
        and metrics.intake_date < $end_date
        and milestones.intake_ts <= milestones.triage_ts
        and milestones.triage_ts <= milestones.investigation_ts
        and milestones.investigation_ts <= milestones.review_qa_ts
        and milestones.review_qa_ts <= milestones.resolved_ts
),

touch as (
    select
        min(status) as first_stop_status,
        max(status) as last_stop_status,
        max(calendar) as calendar
    from staging.sla_clock_rules
    where clock = 'sla_b_first_touch' and role = 'stop'
),

resolution as (
    select max(calendar) as calendar
    from staging.sla_clock_rules
    where clock = 'sla_a_resolution'
)

select
    stages.case_id,
    in_order.first_touch_business_minutes,
    stages.triage_to_investigation_business_minutes,
    stages.investigation_to_review_business_minutes,
    stages.review_to_resolved_business_minutes,
    stages.resolution_incl_wait_business_minutes
from stages
inner join in_order on stages.case_id = in_order.case_id
cross join touch
cross join resolution
where
    touch.first_stop_status = 'TRIAGE'
    and touch.last_stop_status = 'TRIAGE'
    and touch.calendar = resolution.calendar
    and abs(
        in_order.first_touch_business_minutes
        + stages.triage_to_investigation_business_minutes
        + stages.investigation_to_review_business_minutes
        + stages.review_to_resolved_business_minutes
        - stages.resolution_incl_wait_business_minutes
    ) > 0.1
