-- Cases whose milestones are in order, yet whose stages do not add up to the time from TRIAGE to RESOLVED, or exceed the whole.
-- They add up where first touch is TRIAGE and all promises count on one calendar, as shipped; they never exceed the whole, unless a promise
-- restarts: it counts from later on.
-- A failure means that a stage counts time twice or loses it; look first at sql/staging/drivers/case_stage_durations.sql.
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
        min(signal) as first_stop_signal,
        max(signal) as last_stop_signal
    from staging.sla_metric_rules
    where metric = 'first_touch' and role = 'stop'
),

calendars as (
    select
        count(distinct calendar) as calendars,
        count(*) filter (where change = 'restart') as restarts
    from staging.sla_policies
    where metric in ('first_touch', 'first_resolution')
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
cross join calendars
where
    calendars.restarts = 0
    and (
        coalesce(stages.triage_to_investigation_business_minutes, 0)
        + coalesce(stages.investigation_to_review_business_minutes, 0)
        + coalesce(stages.review_to_resolved_business_minutes, 0)
        > stages.resolution_incl_wait_business_minutes + 0.1
        or (
            touch.first_stop_signal = 'TRIAGE'
            and touch.last_stop_signal = 'TRIAGE'
            and calendars.calendars = 1
            and abs(
                in_order.first_touch_business_minutes
                + stages.triage_to_investigation_business_minutes
                + stages.investigation_to_review_business_minutes
                + stages.review_to_resolved_business_minutes
                - stages.resolution_incl_wait_business_minutes
            ) > 0.1
        )
    )
