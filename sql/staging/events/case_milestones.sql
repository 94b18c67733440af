-- One row is one case.
-- A milestone is the first canonical instant of its status. In the source's order, the first terminal event that no reopen follows
-- ended the case; statuses are told of until the last one (docs/decisions/0008-end-of-a-case.md).
with cases as (
    select *
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

milestones as (
    select
        case_id,
        min(canonical_ts) filter (where status = 'TRIAGE') as triage_ts,
        min(canonical_ts) filter (where status = 'ASSIGNED') as assigned_ts,
        min(canonical_ts) filter (where status = 'INVESTIGATION') as investigation_ts,
        min(canonical_ts) filter (where status = 'ESCALATED') as escalated_ts,
        min(canonical_ts) filter (where status = 'CUSTOMER_WAIT') as customer_wait_ts,
        min(canonical_ts) filter (where status = 'REVIEW_QA') as review_qa_ts,
        min(canonical_ts) filter (where status = 'RESOLVED') as resolved_ts,
        max(canonical_ts) filter (where status = 'RESOLVED') as last_resolved_ts,
        min(canonical_ts) filter (where is_reopen) as reopened_ts,
        min(canonical_ts) filter (where status = 'CANCELLED') as cancelled_ts,
        min(canonical_ts) filter (where status = 'CLOSED') as closed_ts,
        max(source_sequence) filter (where is_reopen) as last_reopen_sequence,
        count(*) as event_count,
        count(*) filter (where is_reopen) as reopen_count
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

endings as (
    select
        events.case_id,
        events.status,
        events.canonical_ts,
        row_number() over (partition by events.case_id order by events.source_sequence, events.event_id) as ending_number
    from staging.events_clean as events
    inner join milestones on events.case_id = milestones.case_id
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
        and events.status in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
        and (milestones.last_reopen_sequence is null or events.source_sequence > milestones.last_reopen_sequence)
),

ends as (
    select
        case_id,
        max(canonical_ts) filter (where ending_number = 1) as ended_ts,
        max(canonical_ts) as last_terminal_ts,
        bool_or(ending_number = 1 and status in ('CANCELLED', 'MERGED')) as is_cancelled,
        bool_or(ending_number = 1 and status = 'MERGED') as is_merged
    from endings
    group by case_id
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.tier,
    cases.case_type,
    cases.priority,
    cases.category,
    cases.team,
    cases.agent,
    cases.brand,
    cases.region,
    cases.channel,
    cases.customer,
    cases.tags,
    cases.merged_into,
    cases.initiated_by,
    milestones.triage_ts,
    milestones.assigned_ts,
    milestones.investigation_ts,
    milestones.escalated_ts,
    milestones.customer_wait_ts,
    milestones.review_qa_ts,
    milestones.resolved_ts,
    milestones.last_resolved_ts,
    milestones.reopened_ts,
    milestones.cancelled_ts,
    milestones.closed_ts,
    case when ends.ended_ts < cases.intake_ts then cases.intake_ts else ends.ended_ts end as ended_at,
    case when ends.last_terminal_ts < cases.intake_ts then cases.intake_ts else ends.last_terminal_ts end as last_terminal_at,
    cast(coalesce(milestones.event_count, 0) as bigint) as event_count,
    cast(coalesce(milestones.reopen_count, 0) as bigint) as reopen_count,
    coalesce(milestones.triage_ts < cases.intake_ts, false) as is_triage_before_intake,
    ends.ended_ts is null as is_open,
    coalesce(ends.is_cancelled, false) as is_cancelled,
    coalesce(ends.is_merged, false) as is_merged,
    cases.source_resolved_ts,
    cases.source_closed_ts,
    cases.source_is_sla_met
from cases
left join milestones on cases.case_id = milestones.case_id
left join ends on cases.case_id = ends.case_id
