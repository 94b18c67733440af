-- One row is one SLA case that reached REVIEW_QA after INVESTIGATION.
-- A stage is the time between two first milestones, in open minutes of the calendar on which the case's first resolution counts. It is NULL when it would begin
-- before intake or end before it begins: such an instant is wrong, and a stage from it would be too. It is NULL when it ends
-- after the first resolution: that is rework, and no part of the time to it (docs/decisions/0005-business-time-F.md).
with cases as (
    select
        metrics.source,
        metrics.case_id,
        metrics.intake_date,
        metrics.tier,
        metrics.case_type,
        metrics.intake_ts,
        milestones.triage_ts,
        milestones.investigation_ts,
        milestones.review_qa_ts,
        milestones.resolved_ts,
        metrics.resolution_calendar,
        metrics.resolution_incl_wait_business_minutes
    from staging.case_sla_metrics as metrics
    inner join staging.case_milestones as milestones on metrics.case_id = milestones.case_id
    where
        metrics.intake_date >= $start_date
        and metrics.intake_date < $end_date
        and milestones.intake_date >= $start_date
        and milestones.intake_date < $end_date
        and milestones.review_qa_ts >= milestones.investigation_ts
),

instants as (
    select
        case_id,
        resolution_calendar,
        'triage' as milestone,
        triage_ts as instant
    from cases

    union all

    select
        case_id,
        resolution_calendar,
        'investigation' as milestone,
        investigation_ts as instant
    from cases

    union all

    select
        case_id,
        resolution_calendar,
        'review' as milestone,
        review_qa_ts as instant
    from cases

    union all

    select
        case_id,
        resolution_calendar,
        'resolved' as milestone,
        resolved_ts as instant
    from cases
),

counted as (
    select
        instants.case_id,
        instants.milestone,
        business_time.open_seconds_before
        + case
            when business_time.is_open
                then (epoch_us(instants.instant) - epoch_us(business_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds
    from instants
    inner join staging.business_time as business_time
        on
            instants.resolution_calendar = business_time.calendar
            and cast(instants.instant as date) = business_time.utc_date
            and instants.instant >= business_time.segment_start_at
            and instants.instant < business_time.segment_end_at
),

side_by_side as (
    select
        case_id,
        max(case when milestone = 'triage' then open_seconds end) as triage,
        max(case when milestone = 'investigation' then open_seconds end) as investigation,
        max(case when milestone = 'review' then open_seconds end) as review,
        max(case when milestone = 'resolved' then open_seconds end) as resolved
    from counted
    group by case_id
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.tier,
    cases.case_type,
    cast(
        case
            when
                cases.triage_ts >= cases.intake_ts
                and cases.investigation_ts >= cases.triage_ts
                and cases.investigation_ts <= cases.resolved_ts
                then (side_by_side.investigation - side_by_side.triage) / 60.0
        end as double
    ) as triage_to_investigation_business_minutes,
    cast(
        case
            when cases.investigation_ts >= cases.intake_ts and cases.review_qa_ts <= cases.resolved_ts
                then (side_by_side.review - side_by_side.investigation) / 60.0
        end as double
    ) as investigation_to_review_business_minutes,
    cast(
        case
            when cases.review_qa_ts >= cases.intake_ts and cases.resolved_ts >= cases.review_qa_ts
                then (side_by_side.resolved - side_by_side.review) / 60.0
        end as double
    ) as review_to_resolved_business_minutes,
    cases.resolution_incl_wait_business_minutes
from cases
left join side_by_side on cases.case_id = side_by_side.case_id
