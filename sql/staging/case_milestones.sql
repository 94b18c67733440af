-- One row is one case.
-- A milestone is the first canonical instant of its status. A case has ended when, in the source's order, no reopen follows its
-- last terminal event; it ended at the last instant of a terminal event (docs/decisions/0008-end-of-a-case.md).
with cases as (
    select *
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

events as (
    select
        case_id,
        status,
        canonical_ts,
        source_sequence,
        is_reopen,
        status in ('RESOLVED', 'CLOSED', 'CANCELLED') as is_terminal
    from staging.events_clean
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
        max(canonical_ts) filter (where is_terminal) as last_terminal_ts,
        max(source_sequence) filter (where is_terminal) as last_terminal_sequence,
        max(source_sequence) filter (where status = 'CANCELLED') as last_cancelled_sequence,
        max(source_sequence) filter (where is_reopen) as last_reopen_sequence,
        count(*) as event_count,
        count(*) filter (where is_reopen) as reopen_count
    from events
    group by case_id
),

ends as (
    select
        *,
        case
            when last_reopen_sequence is null or last_reopen_sequence < last_terminal_sequence then last_terminal_ts
        end as ended_ts
    from milestones
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
    ends.triage_ts,
    ends.assigned_ts,
    ends.investigation_ts,
    ends.escalated_ts,
    ends.customer_wait_ts,
    ends.review_qa_ts,
    ends.resolved_ts,
    ends.last_resolved_ts,
    ends.reopened_ts,
    ends.cancelled_ts,
    ends.closed_ts,
    case when ends.ended_ts < cases.intake_ts then cases.intake_ts else ends.ended_ts end as ended_at,
    cast(coalesce(ends.event_count, 0) as bigint) as event_count,
    cast(coalesce(ends.reopen_count, 0) as bigint) as reopen_count,
    coalesce(ends.triage_ts < cases.intake_ts, false) as is_triage_before_intake,
    ends.ended_ts is null as is_open,
    coalesce(
        ends.last_cancelled_sequence is not null
        and (ends.last_reopen_sequence is null or ends.last_reopen_sequence < ends.last_cancelled_sequence),
        false
    ) as is_cancelled,
    cases.source_resolved_ts,
    cases.source_closed_ts,
    cases.source_is_sla_met
from cases
left join ends on cases.case_id = ends.case_id
